"""Draws the pictures of the reports in this folder: `python docs/pictures.py` (needs Chromium).

The demo is run once for each language in a folder of its own, and the first page of every report taken.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

HERE = Path(__file__).parent
EXPORT = HERE.parent / "sample_data" / "export"
CONFIG = HERE.parent / "sample_data" / "config.yaml"
PAGES = {
    "release": Path("release", "release_report.html"),
    "risk": Path("internal", "risk_report.html"),
    "utility": Path("internal", "utility_report.html"),
}
WIDTH, HEIGHT = 1000, 1240
COLOURS = 48


def main() -> None:
    """Writes `report_<name>_<language>.png` beside this file."""
    with TemporaryDirectory() as folder:
        for language in ("en", "de"):
            release = _run(Path(folder, language), language)
            for name, page in PAGES.items():
                _picture(release / page, HERE / f"report_{name}_{language}.png")


def _run(folder: Path, language: str) -> Path:
    folder.mkdir()
    shutil.copytree(EXPORT, folder / "export")
    config = folder / "config.yaml"
    config.write_text(
        f"{CONFIG.read_text(encoding='utf-8')}report: {{language: {language}}}\n", encoding="utf-8"
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
