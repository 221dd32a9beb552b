"""The peer nodemailer: its pool sends mails as they are made. It has no queue, so nothing is drained."""
import json
import pathlib
import subprocess

import lab

VERSION = "10.6.0"
HERE = pathlib.Path(__file__).resolve().parent
FOLDER = lab.ROOT / "build/peers"


def missing():
    """Why it cannot run here, or None. Installs the pinned version below build/ at the first call."""
    for program in ("node", "npm"):
        if not lab.is_installed(program):
            return f"{program} is not installed"
    manifest = FOLDER / "node_modules/nodemailer/package.json"
    if manifest.exists() and json.loads(manifest.read_text(encoding="utf-8"))["version"] == VERSION:
        return None
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["npm", "install", "--prefix", str(FOLDER), "--silent", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts",
                           f"nodemailer@{VERSION}"], capture_output=True, text=True, check=False)
    return None if manifest.exists() else f"npm could not install nodemailer {VERSION}: {done.stderr.strip()[-200:]}"


def send(sink, count, connections=4, attachment=0):
    sink.begin(count)
    options = {"port": sink.implicit_port, "ca": str(sink.ca_file), "user": lab.USER, "password": lab.PASSWORD, "connections": connections,
               "mails": count, "text": lab.TEXT, "attachment": attachment, "modules": str(FOLDER)}
    done = subprocess.run(["node", str(HERE / "nodemailer.mjs"), json.dumps(options)], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(f"nodemailer: {done.stderr}")
    said, report = json.loads(done.stdout), sink.report()
    return {"per_second": lab.rate(report), "cpu_per_1000": said["cpu_seconds"] / count * 1000, "failed": said["failed"], "sink": report}
