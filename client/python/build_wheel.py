"""Builds the wheel of the Python client: usage: build_wheel.py SOURCE PACKAGES OUTPUT VERSION

Reads: SOURCE/pyproject.toml and README.md; PACKAGES (build/python), links followed. Writes: OUTPUT/hftmon-VERSION-py3-none-any.whl, and
prints it. Works in a folder of its own with the setuptools that is installed: no network, no environment.
"""

import os
import pathlib
import shutil
import sys
import tempfile


def main(source, packages, output, version):
    try:
        import setuptools.build_meta as backend
        import wheel  # noqa: F401
    except ImportError as error:
        sys.exit(f"build_wheel.py: {error}: apt-get install python3-setuptools python3-wheel")
    output = pathlib.Path(output).absolute()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = pathlib.Path(folder)
        for name in ("hftmon", "hft_resource_monitor"):
            shutil.copytree(pathlib.Path(packages) / name, stage / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(pathlib.Path(source) / name, stage / name)
        (stage / "VERSION").write_text(version + "\n", encoding="utf-8")
        os.chdir(stage)
        name = backend.build_wheel(str(output))
        os.chdir(output)
    print(output / name)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
