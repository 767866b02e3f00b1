"""What all loop tests share."""

import os
import shutil
from collections.abc import Callable

import pytest


@pytest.fixture
def needs_tool() -> Callable[[str], None]:
    """Skip loudly where a witness is not installed; in CI it is an error."""

    def need(name: str) -> None:
        if shutil.which(name) is None:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{name} is not installed (make test installs it)")
            pytest.skip(f"{name} is not installed: this witness was NOT heard")

    return need
