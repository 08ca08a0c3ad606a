package graph_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func (w *world) post(path, body string, status int) object {
	w.t.Helper()
	return w.send(w.owner, status, httptest.NewRequest("POST", "https://graph.microsoft.com/v1.0"+path, strings.NewReader(body)))
}

func TestABodyGivesEveryMemberOnce(t *testing.T) { // RFC 8259 section 4
	w := start(t)
	app := w.post("/applications", `{"displayName":"a","web":{"homePageUrl":null},"tags":["x","x"]}`, 201)
	for _, body := range []string{
		`{"displayName":"a","displayName":"b"}`,
		`{"displayName":"a","displayname":"b"}`,
		`{"displayName":"a","DISPLAYNAME":"b"}`,
		`{"displayName":"a","\u0064isplayName":"b"}`,
		`{"displayName":"a","diſplayName":"b"}`,
		`{"displayName":"a","web":{"homePageUrl":null,"homePageURL":"https://a.test"}}`,
		`{"displayName":"a","requiredResourceAccess":[{"resourceAppId":"a","resourceAccess":[{"id":"a","ID":"b"}]}]}`,
		`{"displayName":"a"}{"displayName":"b"}`,
		`{"displayName":"a"}}`,
		`{"displayName":"a"`,
		`{"displayName"}`,
		`{1:"displayName"}`,
		``, `]`, `{]`,
	} {
		if answer := w.post("/applications", body, 400); answer["error"].(object)["code"] != "BadRequest" {
			t.Errorf("%s: %v", body, answer)
		}
	}
	at := "/applications/" + app["id"].(string) + "/addPassword"
	w.post(at, `{"passwordCredential":{"displayName":"a","endDateTime":"2026-12-01T00:00:00Z","EndDateTime":"2099-12-01T00:00:00Z"}}`, 400)
	w.post(at, `{"passwordCredential":{"displayName":"a"}}`, 200)
	w.post(at, strings.Repeat("[", 200_000), 400)
}

func TestNamesHoldNoControlCharacters(t *testing.T) {
	w := start(t)
	app := w.post("/applications", `{"displayName":"caf\u00e9 \u2013 1"}`, 201)
	for _, c := range []string{`\n`, `\u0000`, `\u001b[31m`, `\u007f`, `\u0085`, `\u009b`} {
		w.post("/applications", `{"displayName":"a`+c+`"}`, 400)
		w.post("/applications/"+app["id"].(string)+"/addPassword", `{"passwordCredential":{"displayName":"a`+c+`"}}`, 400)
	}
	key := certificate(t, w, firstKey)
	key["displayName"] = "a\x1b[31m"
	w.call(w.owner, 400, "PATCH", "/applications/"+app["id"].(string), object{"keyCredentials": []any{key}})
}
