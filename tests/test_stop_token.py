from threading import Thread

import pytest

from sweagent.errors import RunInterruptedError
from sweagent.stop_token import StopToken


def test_whoever_asks_first_gives_the_reason() -> None:
    stop = StopToken()
    stop.check()
    assert not stop.wait(0)
    asking = Thread(target=stop.stop, args=("the batch was stopped",))
    asking.start()
    assert stop.wait(20)
    asking.join()
    stop.stop("later")
    with pytest.raises(RunInterruptedError, match="the batch was stopped"):
        stop.check()
