import pytest

CALLS = "/v1/realtime/calls"


@pytest.mark.parametrize(
    ("path", "name", "first"),
    [
        ("/v1/faces", "faces", "default"),
        ("/v1/voices", "voices", "default"),
        ("/v1/driving", "driving", "idle"),
    ],
)
def test_the_lists_are_public(server, path, name, first):
    response = server.get(path, key=None)

    assert response.status_code == 200
    assert response.json()[name][0]["id"] == first


def test_the_models_have_openais_shape(server):
    listed = server.get("/v1/models", key=None).json()

    assert listed["object"] == "list"
    assert [entry["id"] for entry in listed["data"]] == ["gpt-5.2", "none"]
    assert server.get("/v1/models/gpt-5.2", key=None).json() == listed["data"][0]
    assert server.get("/v1/models/gpt-9", key=None).status_code == 404


def test_a_preflight_allows_the_headers_it_asks_for(server):
    wanted = "authorization,content-type,x-openai-agents-sdk,x-stainless-lang"
    response = server.request(
        "OPTIONS",
        CALLS,
        key=None,
        headers={
            "Origin": "https://page.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": wanted,
        },
    )

    assert response.status_code == 200
    assert response.headers["access-control-allow-headers"] == wanted
    assert "POST" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-origin"] in ("*", "https://page.example")


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("POST", CALLS, None, 401),
        ("POST", CALLS, "rtav_ak_operator", 400),
        ("GET", "/v1/nothing", None, 404),
        ("GET", "/v1/faces", None, 200),
    ],
)
def test_a_page_elsewhere_can_read_every_answer(server, method, path, key, status):
    response = server.request(method, path, key=key, headers={"Origin": "https://page.example"})

    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = response.headers["access-control-expose-headers"].lower()
    assert {"x-session-id", "location"} <= set(exposed.replace(" ", "").split(","))


def test_named_origins_are_the_only_ones(make_server):
    server = make_server(cors_origins=("https://page.example",))

    def allowed(origin: str) -> str | None:
        response = server.get("/v1/faces", key=None, headers={"Origin": origin})
        return response.headers.get("access-control-allow-origin")

    assert allowed("https://page.example") == "https://page.example"
    assert allowed("https://evil.example") is None


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("POST", "/v1/nothing", 404, "not_found"),
        ("POST", "/nothing", 404, "not_found"),
        ("GET", "/nothing.js", 404, "not_found"),
        ("GET", "/../../pyproject.toml", 404, "not_found"),
        ("GET", "/%2e%2e/%2e%2e/settings.py", 404, "not_found"),
        ("GET", CALLS, 405, "method_not_allowed"),
        ("DELETE", "/v1/faces", 405, "method_not_allowed"),
    ],
)
def test_the_frameworks_own_errors_have_our_body(server, method, path, status, code):
    response = server.request(method, path)

    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert response.json()["detail"] == response.json()["error"]["message"]


def test_health_and_readiness(make_server):
    server = make_server(max_calls=1)
    assert server.get("/healthz", key=None).json() == {"status": "ok"}
    assert server.get("/readyz", key=None).json() == {"status": "ready", "calls": 0}

    server.post(CALLS, data={"sdp": "v=0\r\n"})
    full = server.get("/readyz", key=None)
    assert full.status_code == 503
    assert full.json() == {"status": "full", "calls": 1}


def test_metrics_are_published_in_prometheus_format(server):
    server.post(CALLS, key="wrong", data={"sdp": "v=0\r\n"})
    text = server.get("/metrics", key=None).text

    assert 'rtav_http_errors_total{code="invalid_api_key",status="401"}' in text
    assert "# HELP rtav_calls_active" in text


def test_the_api_page_documents_all_bodies_of_a_call(server):
    document = server.get("/openapi.json", key=None).json()
    content = document["paths"][CALLS]["post"]["requestBody"]["content"]

    assert set(content) == {
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "application/sdp",
    }
    assert "expires_after" in str(document["paths"]["/v1/realtime/client_secrets"])


def test_the_api_page_needs_nothing_from_elsewhere(server):
    page = server.get("/docs", key=None)

    assert page.status_code == 200
    assert "POST /v1/realtime/calls/{call_id}/hangup" in page.text
    assert "application/x-www-form-urlencoded" in page.text
    assert "<script" not in page.text
    assert "//" not in page.text.replace("</", "")
