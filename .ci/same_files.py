"""Does the wheel hold every file of the packages that Git knows? `python same_files.py WHEEL`"""

import subprocess
import sys
import zipfile

tracked = subprocess.run(
    ["git", "ls-files", "autograd", "nn"], capture_output=True, text=True, check=True
).stdout.split()
missing = set(tracked) - set(zipfile.ZipFile(sys.argv[1]).namelist())
if missing or not tracked:
    sys.exit(f"the wheel lacks {sorted(missing)}")
print(f"the wheel holds all {len(tracked)} files of the packages")
