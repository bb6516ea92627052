"""Pages: templates, the words in each language, and the headers that keep strangers out of them."""
