"""Archives and small courses that the tests build themselves."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
Files = dict[str, str | bytes]

QUIZ = """---
title: What plants are
kind: quiz
max_attempts: 2
passing_score: 0.75
review: after_last_attempt
---
Four questions about plants.

## A vegetable
Which of these is a vegetable?

- ( ) apple {{ Its seeds make it a fruit. }}
- (x) potato {{ A tuber, indeed. }}

> hint: Think of seeds.
> solution: The potato is a tuber.

## Fruits
Which of these are fruits?

- [x] tomato
- [x] pumpkin
- [ ] carrot {{ The carrot is a root. }}

## Petals
How many petals has a buttercup, about?

= 5 +- 10% {{ Five it is. }}
not= 6 {{ Count again. }}

## The green
Which pigment makes leaves green?

= Chlorophyll
or= leaf green
> solution: Chlorophyll absorbs red and blue light.
"""

MARKDOWN: Files = {
    "course.md": "---\ntitle: Plants\nlanguage: en\ndescription: A small course.\n---\n",
    "01-leaves/index.md": "---\ntitle: On leaves\n---\n",
    "01-leaves/01-green.md": "---\ntitle: Why leaves are green\n---\nLeaves hold a pigment that takes in light.\n",
    "01-leaves/02-quiz.md": QUIZ,
    "02-roots/01-tubers.md": "---\ntitle: Tubers\n---\n# Tubers\n\nA potato stores starch.\n",
}


def with_file(name: str, content: str | bytes) -> Files:
    """The Markdown course with one file added or changed."""
    return {**MARKDOWN, name: content}


def quiz_of(*questions: str) -> str:
    return "---\ntitle: A quiz\nkind: quiz\n---\n" + "\n\n".join(questions) + "\n"


OLX: Files = {
    "export/course.xml": '<course url_name="run" org="Stoa" course="P1"/>',
    "export/course/run.xml": '<course display_name="Plants" language="de"><chapter url_name="leaves"/></course>',
    "export/chapter/leaves.xml": '<chapter display_name="Leaves"><sequential url_name="green"/></chapter>',
    "export/sequential/green.xml": (
        '<sequential display_name="Green"><vertical display_name="Unit"><html url_name="why"/>'
        '<problem url_name="veg"/><video display_name="A film" youtube="1.00:abc123"/></vertical></sequential>'
    ),
    "export/html/why.xml": '<html filename="why" display_name="Why"/>',
    "export/html/why.html": "<h2>Why green?</h2><p>Leaves hold <b>chlorophyll</b>.</p><script>alert(1)</script>",
    "export/problem/veg.xml": (
        '<problem display_name="A vegetable" max_attempts="3" showanswer="attempted">'
        "<multiplechoiceresponse><label>Which is a vegetable?</label><choicegroup>"
        '<choice correct="false">apple <choicehint>A fruit.</choicehint></choice>'
        '<choice correct="true">potato</choice></choicegroup>'
        "<solution><p>The potato is a tuber.</p></solution></multiplechoiceresponse>"
        "<demandhint><hint>Think of seeds.</hint></demandhint></problem>"
    ),
    "export/static/leaf.png": b"\x89PNG",
}


def olx_problem(body: str, **attributes: str) -> Files:
    """The OLX course with another problem."""
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return {**OLX, "export/problem/veg.xml": f'<problem display_name="P"{written}>{body}</problem>'}


def zipped(files: Files) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: Files) -> bytes:
    """A plain tar; the bytes of `gzipped` inflate to it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def gzipped(files: Files) -> bytes:
    return gzip.compress(tarred(files))


def folder_as_tar(folder: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return packed.getvalue()
