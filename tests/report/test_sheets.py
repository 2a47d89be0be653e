import re
import shutil
import subprocess

import pytest

from fedsim.report.latex import escaped, latex
from fedsim.report.markdown import escaped as escaped_markdown
from fedsim.report.markdown import markdown
from fedsim.report.sheet import Sheet
from fedsim.report.sheet_files import write_sheets
from fedsim.report.side_by_side import comparison_sheets

NASTY = r"a_b & 50 % | #1 {x} ~^ $y$ \z <script> *b* `c` [d](e)"
SHEET = Sheet(
    title="Two & more",
    header=("", "star_1", "ring|2"),
    rows=(("time", "-3.1 s", "-"), ("at 1 min",), ("  accuracy", "50.0 %", "-2 to +4")),
    notes=("who is #1",),
)


def until(time_s, end):
    return [(0.0, 0.1), (time_s, end), (60.0, end)]


def test_markdown():
    assert (
        markdown([SHEET])
        == r"""### Two & more

|  | star\_1 | ring\|2 |
| :-- | --: | --: |
| time | -3.1 s | - |
| **at 1 min** |  |  |
| accuracy | 50.0 % | -2 to +4 |

- who is \#1
"""
    )


def test_latex():
    assert (
        latex([SHEET])
        == r"""% \usepackage[T1]{fontenc}
% \usepackage{booktabs}
\begin{table}
  \centering
  \caption{Two \& more}
  \begin{tabular}{lrr}
    \toprule
     & star\_1 & ring\textbar{}2 \\
    \midrule
    time & $-$3.1 s & - \\
    \addlinespace \multicolumn{3}{l}{\emph{at 1 min}} \\
    accuracy & 50.0 \% & $-$2 to +4 \\
    \bottomrule
  \end{tabular}
  \par\smallskip\footnotesize
  who is \#1\par
\end{table}
"""
    )


def test_no_name_breaks_out_of_latex():
    text = escaped(NASTY)
    bare = re.sub(
        r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar)\{\}|\\[&%$#_{}]", "", text
    )
    assert not re.search(r"[\\&%$#_{}~^<>|]", bare)
    assert escaped("a\nb\\c") == r"a b\textbackslash{}c"


def test_no_name_breaks_out_of_a_markdown_cell():
    text = escaped_markdown(NASTY)
    assert not re.search(r"(?<!\\)[|*_`<>\[\]#~]", text.replace(r"\\", ""))
    table = markdown([Sheet(title="t", header=("", NASTY), rows=((NASTY, NASTY),))])
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}


def test_every_table_of_a_comparison_has_cells_under_its_header(make_comparison, tmp_path):
    curves = {name: [until(10.0, 0.95)] * 3 for name in ("star", "a_b&c", "100%|{x}")}
    sheets = comparison_sheets(make_comparison(curves))
    assert [len(sheet.header) for sheet in sheets] == [4, 5, 5]
    assert all(len(row) in {1, len(sheet.header)} for sheet in sheets for row in sheet.rows)
    write_sheets(sheets, tmp_path)
    text = (tmp_path / "table.tex").read_text()
    for table in re.findall(r"\\begin\{table\}.*?\\end\{table\}", text, flags=re.DOTALL):
        columns = len(re.search(r"\\begin\{tabular\}\{(l?r*)\}", table)[1])
        body = [line for line in table.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {columns - 1}
        assert re.findall(r"\\(\w+)rule", table) == ["top", "mid", "bottom"]
    assert "Holm for 2 scenarios" in (tmp_path / "table.md").read_text()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_takes_it(make_comparison, tmp_path):
    sheets = comparison_sheets(make_comparison({"star": [until(10.0, 0.9)] * 3, NASTY: [until(12.0, 0.9)] * 3}))
    packages = r"\usepackage[T1]{fontenc}\usepackage{booktabs}"
    page = rf"\documentclass{{article}}{packages}\begin{{document}}{latex(sheets)}\end{{document}}"
    (tmp_path / "page.tex").write_text(page)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
