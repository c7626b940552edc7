"""The contract suites can fail: every case does for at least one provider broken on purpose."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent
BROKEN = ("broken_payments.py", "broken_providers.py", "broken_shipping.py")
SUITES = {
    "payment": ("TestOnlinePayment", "TestOfflinePayment"),
    "shipping": ("TestShipping",),
    "images": ("TestImageStore",),
    "addresses": ("TestAddressVerifier",),
    "mailer": ("TestMailer",),
}


class Outcome:
    """What became of the suites on the broken providers."""

    def __init__(self, report: Path) -> None:
        #: class -> case -> names of the broken providers that failed it
        self.failed: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.providers: dict[str, set[str]] = defaultdict(set)
        for case in ElementTree.parse(report).iter("testcase"):
            name, kind = case.get("name", ""), case.get("classname", "").rsplit(".", 1)[-1]
            (provider,) = re.findall("<(.+?)>", name)
            # What is left of "[<provider>-money0]" tells the case's own parameters apart.
            label = re.sub(r"-?<.+?>-?", "", name).replace("[]", "")
            self.providers[kind].add(provider)
            bad = case.find("failure") is not None or case.find("error") is not None
            self.failed[kind][label] |= {provider} if bad else set()


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    report = tmp_path_factory.mktemp("broken") / "report.xml"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-n0",
            "-q",
            "--tb=no",
            "-s",
            *("-p", "no:logging"),  # thousands of cases: what watches each of them adds up
            *("-p", "no:cacheprovider"),
            f"--junit-xml={report}",
            *(str(HERE / name) for name in BROKEN),
        ],
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    return Outcome(report)


@pytest.mark.parametrize("suite", SUITES)
def test_every_case_fails_for_a_broken_provider(outcome: Outcome, suite: str) -> None:
    caught: dict[str, set[str]] = defaultdict(set)
    for kind in SUITES[suite]:
        for case, providers in outcome.failed[kind].items():
            caught[case] |= providers
    assert caught
    assert [case for case, providers in caught.items() if not providers] == []


def test_the_suite_for_payments_is_as_thorough_as_it_says(outcome: Outcome) -> None:
    assert len(outcome.failed["TestOnlinePayment"]) >= 40
    assert len(outcome.providers["TestOnlinePayment"]) >= 12


@pytest.mark.parametrize("suite", SUITES)
def test_every_broken_provider_is_caught(outcome: Outcome, suite: str) -> None:
    for kind in SUITES[suite]:
        caught = set().union(*outcome.failed[kind].values())
        assert outcome.providers[kind] - caught == set()
