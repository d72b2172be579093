"""Drives a headless Chromium over its DevTools socket: opens a page, runs scripts in it, keeps what it complains of.

Needs `chromium` and python3-websockets, nothing else. Every wait is for an event or for a condition in the page.
"""
import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import websockets

START_S = 60      # Chromium on a busy machine
ANSWER_S = 60


def find_chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class PageError(Exception):
    """A script in the page has failed, or a condition has not come true in time."""


class Browser:
    """One Chromium with a profile of its own, which is gone when the browser is."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="oomcast-page.")
        self.process = None
        self.socket = None
        self.last_id = 0
        self.answers = {}
        self.complaints = []  # console errors, exceptions, refused by the policy
        self.requests = []    # addresses that a page asked for
        self.session = None

    async def start(self):
        # A group of its own: Chromium's helpers are ended with it.
        self.process = subprocess.Popen(
            [find_chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb",
             "--remote-debugging-port=0", "--user-data-dir=" + self.profile, "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        address = await self._address()
        self.socket = await websockets.connect(address, max_size=None, ping_interval=None)
        self.reader = asyncio.ensure_future(self._read())
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        self.session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(domain + ".enable")

    async def stop(self):
        self.reader.cancel()
        await self.socket.close()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    async def _address(self):
        """Chromium writes the port that it took, and the path of its socket, into its profile."""
        path = os.path.join(self.profile, "DevToolsActivePort")
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise PageError(f"Chromium ended with status {self.process.returncode}")
            if os.path.exists(path):
                with open(path, encoding="ascii") as file:
                    lines = file.read().split("\n")
                if len(lines) >= 2 and lines[1]:
                    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            await asyncio.sleep(0.05)
        raise PageError("Chromium did not open its DevTools socket")

    async def _read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.answers.pop(message["id"]).set_result(message)
            else:
                self._hear(message["method"], message.get("params", {}))

    def _hear(self, method, params):
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    async def call(self, method, **params):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        answer = asyncio.get_running_loop().create_future()
        self.answers[self.last_id] = answer
        await self.socket.send(json.dumps(message))
        result = await asyncio.wait_for(answer, ANSWER_S)
        if "error" in result:
            raise PageError(f"{method}: {result['error']['message']}")
        return result["result"]

    async def open(self, path, width=1280, height=900, dark=False):
        """Shows a file, and waits until its scripts have drawn it (or have failed to: then `complaints` says why)."""
        self.complaints.clear()
        self.requests.clear()
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        await self.call("Page.navigate", url="file://" + os.path.abspath(path))
        await self.until("document.readyState === 'complete' && document.getElementById('data') !== null")

    async def run(self, script):
        """The value of an expression in the page; promises are waited for."""
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise PageError(script + ": " + details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    async def until(self, condition):
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end:
            try:
                if await self.run(condition):
                    return
            except PageError:
                pass  # between two documents
            await asyncio.sleep(0.02)
        raise PageError("never became true: " + condition)

    async def click(self, script):
        """Presses what an expression names, with a real mouse at its middle."""
        box = await self.run(f"(() => {{ const e = {script}; e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
                             " return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1],
                            button="none" if kind == "mouseMoved" else "left", clickCount=0 if kind == "mouseMoved" else 1)

    async def key(self, key, text=None):
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, **({"text": text} if text and kind == "keyDown" else {}))

    async def screenshot(self, path, whole=True):
        data = await self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))

    async def pdf(self, path):
        data = await self.call("Page.printToPDF", printBackground=False)
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))
