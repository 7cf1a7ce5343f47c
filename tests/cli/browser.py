"""A browser that signs a person in: `BROWSER="python browser.py USER PASSWORD %s"`.

It opens the page it is given, fills the form in and goes wherever it is sent, as a person's would.
"""

import sys

import httpx2


def main(user: str, password: str, url: str) -> None:
    with httpx2.Client(trust_env=False, timeout=20) as web:
        web.get(url).raise_for_status()
        sent = web.post(url, data={"username": user, "password": password})
        assert sent.status_code in {302, 303}, sent.text
        back = sent.headers["location"]
        stranger = web.get(back.split("?")[0], params={"code": "stolen", "state": "guessed"})
        assert stranger.status_code == 404
        page = web.get(back)
        page.raise_for_status()
        assert "close this page" in page.text
        assert "code=" not in page.text


if __name__ == "__main__":
    main(*sys.argv[1:])
