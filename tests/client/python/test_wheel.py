"""The wheel, and an installation, are all that a program needs: each is made, and used from elsewhere; and the source is Python 3.8's."""

import ast
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

SOURCE = pathlib.Path(os.environ["HFTMON_SOURCE_DIR"]) / "client" / "python"
PACKAGES = pathlib.Path(os.environ["HFTMON_BUILD_DIR"]) / "python"
OLDEST = (3, 8)


def test_the_wheel_holds_the_packages_and_works_alone(tmp_path):
    for module, package in (("setuptools", "python3-setuptools"), ("wheel", "python3-wheel")):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{package} is not installed")
    built = subprocess.run([sys.executable, "-B", str(SOURCE / "build_wheel.py"), str(SOURCE), str(PACKAGES), str(tmp_path / "out"),
                            "1.2.3"],
                           capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    wheel = tmp_path / "out" / "hftmon-1.2.3-py3-none-any.whl"
    assert built.stdout.splitlines()[-1] == str(wheel)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    wanted = {path.relative_to(PACKAGES).as_posix() for path in PACKAGES.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert wanted <= names, "a file of the packages is missing"
    assert "Requires-Dist: grpcio" in (tmp_path / "site" / "hftmon-1.2.3.dist-info" / "METADATA").read_text(encoding="utf-8")
    program = "import hftmon, hftmon.aio, hft_resource_monitor; print(hftmon.__file__)"
    used = subprocess.run([sys.executable, "-B", "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
                          capture_output=True, text=True, check=False)
    assert used.stdout.startswith(str(tmp_path / "site")), used.stderr


def test_an_installation_is_found_by_the_system_python(tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    installed = subprocess.run(["cmake", "--install", str(PACKAGES.parent), "--component", "python", "--prefix", str(tmp_path)],
                               capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    packages = tmp_path / "lib" / "python3" / "dist-packages"
    assert {path.relative_to(packages) for path in packages.rglob("*") if path.is_file()} == {
        path.relative_to(PACKAGES) for path in PACKAGES.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    program = "import hftmon.aio, hft_resource_monitor; print(hftmon.__file__)"
    used = subprocess.run([sys.executable, "-B", "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(packages)},
                          capture_output=True, text=True, check=False)
    assert used.stdout.startswith(str(packages)), used.stderr


def test_the_source_is_read_by_the_oldest_python_that_is_promised():
    files = [path for path in PACKAGES.rglob("*.py") if "v1" not in path.parts] + list((SOURCE / "generate").glob("*.py"))
    assert len(files) > 20
    for path in files:
        ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=OLDEST)


def test_every_annotation_names_what_is_there():
    import typing

    import hftmon.aio
    from hft_resource_monitor import metrics, numa_metrics
    from hft_resource_monitor.monitor import HFTResourceMonitor

    classes = [getattr(hftmon.messages, name) for name in hftmon.messages.__all__] + [hftmon.Client, hftmon.aio.Client,
                                                                                      hftmon.PrivateDaemon]
    for module in (metrics, numa_metrics):
        classes += [value for value in vars(module).values() if isinstance(value, type)]
    for kind in [*classes, HFTResourceMonitor]:
        typing.get_type_hints(kind)
        for name, member in vars(kind).items():
            if callable(member) and not name.startswith("__"):
                typing.get_type_hints(member)
