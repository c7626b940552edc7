"""The WSGI application of a stand-in: the vendor's API, the faults that are wanted, controls."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

from webob import Request, Response

from opticworks.testing.standins.account import Account
from opticworks.testing.standins.delivery import Delivery
from opticworks.testing.standins.faults import Fault, Faults


class NoSuchControl(LookupError):
    """A verb under /_standin/ that this stand-in does not have."""


class App:
    """`app(environ, start_response)`. `calls_made` lists "METHOD path" of what arrived.

    A stand-in overrides `answer` and `failed`, and `turn` for controls of its own.
    """

    def __init__(self, vendor: Account, delivery: Delivery) -> None:
        self.vendor: Any = vendor
        self.delivery = delivery
        self.vendor.announced = delivery.announce
        self.faults = Faults()
        self.calls_made: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.respond(Request(environ))(environ, start_response)

    def respond(self, request: Request) -> Response:
        if request.path_info.startswith("/_standin/"):
            return self._control(request)
        with self.faults.running():
            return self._api(request)

    def answer(self, request: Request) -> Response:
        """What the vendor answers a call of its API, its own errors included."""
        raise NotImplementedError

    def failed(self, request: Request, status: int) -> Response:
        """The vendor's answer when it fails with that status."""
        raise NotImplementedError

    def turn(self, verb: str, given: dict[str, Any]) -> Any:
        """A control of this vendor's own. Raises NoSuchControl."""
        raise NoSuchControl(verb)

    def _api(self, request: Request) -> Response:
        with self._lock:
            self.calls_made.append(f"{request.method} {request.path_info}")
        fault = self.faults.take(request.method, request.path_info)
        if fault is None:
            return self.answer(request)
        if fault.how == "error":
            return self.failed(request, fault.status)
        if fault.how == "garbled":
            garbled = self.answer(request)
            garbled.text = re.sub(fault.find, fault.put, garbled.text)
            return garbled
        if fault.how == "timeout":
            answered = self.answer(request)
            self.faults.wait(fault.seconds)
            return answered
        self.faults.wait(fault.seconds)
        return self.answer(request) if fault.how == "slow" else self.failed(request, 500)

    def _control(self, request: Request) -> Response:
        """/_standin/…: faults, webhooks, and what only the vendor could do; JSON in and out."""
        verb = request.path_info.removeprefix("/_standin/")
        try:
            given = json.loads(request.body or b"{}")
            with self.vendor.lock:
                answer = self._turn(verb, given)
                self.vendor.save()
        except NoSuchControl:
            return Response(json_body={"error": f"There is no control {verb!r}."}, status=404)
        except (TypeError, ValueError) as error:  # what was given is not what the control takes
            return Response(json_body={"error": str(error)}, status=400)
        return answer if isinstance(answer, Response) else Response(json_body=answer)

    def _turn(self, verb: str, given: dict[str, Any]) -> Any:
        if verb == "faults":
            return {"faults": self.faults.add(Fault(**given))}
        if verb == "no_faults":
            self.faults.clear()
            return {"faults": 0}
        if verb == "webhooks":
            for name in ("url", "secrets", "held", "copies", "delay"):
                if name in given:
                    setattr(self.delivery, name, given[name])
            return {"url": self.delivery.url, "waiting": len(self.delivery.waiting)}
        if verb == "release":
            return {"released": self.delivery.release(**given)}
        if verb == "calls":
            return list(self.calls_made)
        if verb == "state":
            return self.vendor.objects
        return self.turn(verb, given)
