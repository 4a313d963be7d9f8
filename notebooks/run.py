"""Run the lessons with a real kernel, and keep what they printed.

    python notebooks/run.py            run all, write their outputs, pictures and the table
    python notebooks/run.py 02 07      only these
    python notebooks/run.py --check    write nothing; fail if an output is not the committed one

Needs `pip install "glassgrad[notebooks,test]"`. Conventions for lessons: notebooks/README.md.
"""

import argparse
import copy
import html
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
SVG = "image/svg+xml"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def lessons(names: list[str]) -> list[Path]:
    """The notebooks whose file name begins with one of `names` (all, if there are none)."""
    found = sorted(HERE.glob("[0-9][0-9]-*.ipynb"))
    for name in names:
        if not any(p.name.startswith(name) for p in found):
            raise SystemExit(f"no lesson begins with {name!r}")
    return [p for p in found if not names or p.name.startswith(tuple(names))]


def execute(notebook: NotebookNode) -> None:
    """Run all cells in a fresh kernel in this folder, from which no download can succeed."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    os.environ["HTTP_PROXY"] = os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"  # nobody answers
    for name in ("http_proxy", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        os.environ.pop(name, None)
    resources = {"metadata": {"path": str(HERE)}}
    NotebookClient(notebook, timeout=600, resources=resources, record_timing=False).execute()


def tidy(notebook: NotebookNode) -> None:
    """Drop what differs from run to run or machine to machine and says nothing to a reader."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number:02}"
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
            for output in cell.outputs:
                output.pop("transient", None)
                if SVG in output.get("data", {}):
                    output.data[SVG] = tidy_svg(output.data[SVG])
                    output.metadata = nbformat.from_dict({})


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """The outputs, with printed text in one piece: where it was cut is chance."""
    whole: list[NotebookNode] = []
    for output in outputs:
        last = whole[-1] if whole else None
        if last and output.output_type == "stream" == last.output_type and output.name == last.name:
            last.text += output.text
        else:
            whole.append(output)
    return whole


def tidy_svg(svg: str) -> str:
    """The picture without matplotlib's date and version, and without spaces at line ends."""
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE).strip() + "\n"


def differences(old: NotebookNode, new: NotebookNode) -> list[str]:
    """What a reader would see change, a line for each cell that differs."""
    found = []
    for before, after in zip(old.cells, new.cells, strict=True):
        if before.cell_type != "code" or "timing" in before.metadata.get("tags", []):
            continue
        seen, now = ([comparable(output) for output in cell.outputs] for cell in (before, after))
        if seen != now:
            changed = [(a, b) for a, b in zip(seen, now) if a != b] or [(seen, now)]
            a, b = changed[0]
            found.append(f"{after.id}: committed {a!s:.500}\n  now {b!s:.500}")
    return found


def comparable(output: NotebookNode) -> object:
    """The output as far as it must stay the same.

    Text and the pictures that the package itself lays out: all. Pictures that Graphviz or
    matplotlib lay out, which move a little with every version of theirs: the words in them.
    """
    if output.output_type == "stream":
        return output.name, output.text
    data = dict(output.get("data", {}))
    if SVG in data and ("matplotlib" in data[SVG] or 'class="graph"' in data[SVG]):
        data[SVG] = sorted(re.findall(r"<text[^>]*>([^<]*)", data[SVG]))
    data.pop("text/html", None)  # the stepper: its picture is Graphviz's, its numbers are tested
    return data


def picture(notebook: NotebookNode) -> str:
    """The SVG of the cell tagged `picture`: the lesson's face in the table of contents."""
    for cell in notebook.cells:
        if "picture" in cell.metadata.get("tags", []):
            for output in cell.outputs:
                if SVG in output.get("data", {}):
                    return str(output.data[SVG])
    raise SystemExit("no cell tagged `picture` gives an SVG")


def first_line(notebook: NotebookNode) -> tuple[str, str]:
    """Title and question: the heading and the first line under it."""
    title, question, *_ = [line for line in notebook.cells[0].source.splitlines() if line.strip()]
    return title.removeprefix("# "), question


def write_table(minutes: dict[str, float]) -> None:
    """Write the table of contents into README.md; lessons that did not run keep their minutes."""
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    kept = dict(re.findall(r"\]\((\d\d-[\w-]+\.ipynb)\).*\| ([\d.]+) \|$", text, re.MULTILINE))
    rows = ["| | lesson | minutes |", "|-|-|-|"]
    for path in lessons([]):
        title, question = first_line(nbformat.read(path, as_version=4))
        spent = kept.get(path.name, "?")
        if path.name in minutes:
            spent = f"{max(minutes[path.name], 0.1):.1f}"
        image = f'<img src="pictures/{path.name[:2]}.svg" width="200" alt="{html.escape(title)}">'
        rows.append(f"| {image} | [{title}]({path.name})<br>{question} | {spent} |")
    before, _, rest = text.partition("<!-- table -->\n")
    _, _, after = rest.partition("<!-- end -->")
    table = "".join(f"{row}\n" for row in rows)
    readme.write_text(f"{before}<!-- table -->\n{table}<!-- end -->{after}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the lessons with a real kernel.")
    parser.add_argument("lessons", nargs="*", help="numbers, such as 02 07 (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing, compare instead")
    arguments = parser.parse_args()
    minutes: dict[str, float] = {}
    failed = False
    for path in lessons(arguments.lessons):
        old = nbformat.read(path, as_version=4)
        new = copy.deepcopy(old)
        start = time.perf_counter()
        try:
            execute(new)
        except CellExecutionError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            failed = True
            continue
        minutes[path.name] = (time.perf_counter() - start) / 60
        print(f"{path.name}: {minutes[path.name]:.2f} minutes", flush=True)
        tidy(new)
        if arguments.check:
            for line in differences(old, new):
                print(f"{path.name} {line}", file=sys.stderr)
                failed = True
        else:
            nbformat.write(new, path)
            (HERE / "pictures" / f"{path.name[:2]}.svg").write_text(picture(new), encoding="utf-8")
    if not arguments.check:
        write_table(minutes)
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
