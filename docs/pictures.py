"""Draws the pictures of the reports in this folder: `python docs/pictures.py` (needs Chromium).

The demo and the sample's synthetic table are run once for each language, in folders of their own; the first
pages of their reports are taken.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "sample_data"
RELEASE, RISK, UTILITY = (
    Path("release", "release_report.html"),
    Path("internal", "risk_report.html"),
    Path("internal", "utility_report.html"),
)
PAGES = {
    "config.yaml": {"release": RELEASE, "risk": RISK, "utility": UTILITY},
    "synthetic.yaml": {"synthetic_release": RELEASE, "synthetic_risk": RISK},
}
WIDTH, HEIGHT = 1000, 1240
COLOURS = 48


def main() -> None:
    """Writes `report_<name>_<language>.png` beside this file."""
    with TemporaryDirectory() as folder:
        for language, (name, pages) in product(("en", "de"), PAGES.items()):
            release = _run(Path(folder, f"{name}-{language}"), name, language)
            for page, path in pages.items():
                _picture(release / path, HERE / f"report_{page}_{language}.png")


def _run(folder: Path, name: str, language: str) -> Path:
    folder.mkdir()
    shutil.copytree(SAMPLE / "export", folder / "export")
    config = folder / "config.yaml"
    config.write_text(
        f"{(SAMPLE / name).read_text(encoding='utf-8')}report: {{language: {language}}}\n", encoding="utf-8"
    )
    subprocess.run(
        [str(Path(sys.executable).with_name("anon")), "run", "--quiet", str(config)],
        cwd=HERE.parent,
        check=True,
    )
    (release,) = (path.parent for path in folder.glob("releases/*/release"))
    return release


def _picture(page: Path, target: Path) -> None:
    size = f"--window-size={WIDTH},{HEIGHT}"
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size]
    subprocess.run(
        ["chromium", *quiet, f"--screenshot={target}", page.as_uri()],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    with Image.open(target) as shot:
        shot.convert("RGB").quantize(COLOURS).save(target, optimize=True)


if __name__ == "__main__":
    main()
