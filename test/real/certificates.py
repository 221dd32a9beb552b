"""A test CA and server certificates, good and bad, made with the openssl command.

    folder = Certificates(path)      # makes everything; takes a fraction of a second
    folder.ca_file                   # the CA that a client under test trusts
    folder.pair("good")              # (certificate chain file, key file)
    folder.add("web", ["www.test"])  # one more, good for these names

Kinds:
    good         signed by the CA, valid, DNS names mail.example.test and localhost
    expired      the same names, valid until yesterday
    wrong_name   signed and valid, but for other.example.test
    self_signed  the right names, valid, signed by itself
"""
import datetime
import pathlib
import subprocess

NAMES = ("mail.example.test", "localhost")
KINDS = ("good", "expired", "wrong_name", "self_signed")

# "openssl ca" is the one command of OpenSSL 3.0 that can write a certificate of the past.
CA_CONFIG = """
[ca]
default_ca = test
[test]
dir = {folder}
database = $dir/index.txt
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = anything
unique_subject = no
x509_extensions = server
[anything]
commonName = supplied
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")


class Certificates:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca_file = self.folder / "ca.pem"
        (self.folder / "index.txt").touch()
        self._make_self_signed("ca", "Absender test CA", ["basicConstraints=critical,CA:true",
                                                          "keyUsage=critical,keyCertSign,cRLSign"])
        self._make_signed("good", NAMES, -1, 30)
        self._make_signed("expired", NAMES, -30, -1)
        self._make_signed("wrong_name", ("other.example.test",), -1, 30)
        self._make_self_signed("self_signed", NAMES[0], [self._names(NAMES)])

    def add(self, kind, names):
        """A good one for these names, beside KINDS; its (certificate chain file, key file)."""
        self._make_signed(kind, names, -1, 30)
        return self.folder / f"{kind}.pem", self.folder / f"{kind}.key"

    def pair(self, kind):
        if kind not in KINDS:
            raise ValueError(f"no certificate of the kind {kind!r}")
        return self.folder / f"{kind}.pem", self.folder / f"{kind}.key"

    @staticmethod
    def _names(names):
        return "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)

    def _make_key_and(self, kind, subject, *arguments):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout",
                self.folder / f"{kind}.key", "-subj", f"/CN={subject}", "-sha256", *arguments)

    def _make_self_signed(self, kind, subject, extensions):
        added = [part for extension in extensions for part in ("-addext", extension)]
        self._make_key_and(kind, subject, "-x509", "-days", 30, *added, "-out", self.folder / f"{kind}.pem")

    def _make_signed(self, kind, names, first_day, last_day):
        """Valid from first_day to last_day, counted from today."""
        request, extensions = self.folder / f"{kind}.csr", self.folder / f"{kind}.cnf"
        extensions.write_text(CA_CONFIG.format(folder=self.folder) + self._names(names).replace("=", " = ", 1))
        self._make_key_and(kind, names[0], "-out", request)
        now = datetime.datetime.now(datetime.timezone.utc)
        start, end = ((now + datetime.timedelta(days=day)).strftime("%Y%m%d%H%M%SZ")
                      for day in (first_day, last_day))
        openssl("ca", "-batch", "-notext", "-config", extensions, "-cert", self.ca_file, "-keyfile",
                self.folder / "ca.key", "-startdate", start, "-enddate", end, "-in", request, "-out",
                self.folder / f"{kind}.pem")
