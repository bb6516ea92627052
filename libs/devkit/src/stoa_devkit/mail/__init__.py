"""The mail that a platform without a mail server keeps."""
