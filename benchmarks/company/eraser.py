"""A process that erases people, which may be killed at any step and started again.

``python -m benchmarks.company.eraser FOLDER EMAIL…`` erases who has these addresses, one after the other;
``python -m benchmarks.company.eraser FOLDER --resume`` finishes what was begun. Prints a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.company.setting import COLLECTION, PURPOSE
from ragkit import open_workspace


def main() -> None:
    """Erase or resume."""
    folder, *emails = sys.argv[1:]
    with open_workspace(Path(folder)) as workspace:
        began = time.time()
        requests = []
        if emails == ["--resume"]:
            requests += [one.request for one in workspace.subjects.resume(collection=COLLECTION)]
        else:
            for email in emails:
                found = workspace.subjects.find(email, purpose=PURPOSE, collection=COLLECTION)
                if found:  # else erased already, before a kill
                    (one,) = found
                    told = workspace.subjects.erase(email, subject=one.subject, purpose=PURPOSE, collection=COLLECTION)
                    requests.append(told.request)
    print(json.dumps({"requests": requests, "began": began, "seconds": time.time() - began}))


if __name__ == "__main__":
    main()
