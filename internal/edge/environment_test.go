package edge

import (
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

func TestTheVariablesAreThoseOfThePlan(t *testing.T) {
	e := Environment{Address: "127.0.0.1:4140", User: "hello--a1", Password: cloud.Seal("s3cret"), Bundle: "/l/bundle.pem", TrustStore: "/l/truststore.p12"}
	want := []string{
		"HTTPS_PROXY=http://hello--a1:s3cret@127.0.0.1:4140",
		"https_proxy=http://hello--a1:s3cret@127.0.0.1:4140",
		"NO_PROXY=localhost,127.0.0.1,::1,169.254.169.254",
		"no_proxy=localhost,127.0.0.1,::1,169.254.169.254",
		"SSL_CERT_FILE=/l/bundle.pem",
		"REQUESTS_CA_BUNDLE=/l/bundle.pem",
		"CURL_CA_BUNDLE=/l/bundle.pem",
		"NODE_EXTRA_CA_CERTS=/l/bundle.pem",
		"GIT_SSL_CAINFO=/l/bundle.pem",
		"NODE_USE_ENV_PROXY=1",
		"JAVA_TOOL_OPTIONS=-Djava.net.useSystemProxies=true -Dhttp.nonProxyHosts=localhost|127.*|[::1]|169.254.169.254" +
			" -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=4140 -Djavax.net.ssl.trustStore=/l/truststore.p12" +
			" -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit",
	}
	got := e.Variables()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, v := range got {
		if name, value, _ := strings.Cut(v, "="); strings.EqualFold(name, "HTTP_PROXY") || strings.HasPrefix(name, "JAVA") && strings.Contains(value, "s3cret") {
			t.Errorf("%s is set, or gives the password away", name)
		}
	}
	if printed := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(printed, "s3cret") {
		t.Errorf("the environment prints its password: %s", printed)
	}
}

func TestAnyPasswordSurvivesTheProxyVariable(t *testing.T) {
	e := Environment{Address: "127.0.0.1:4140", User: "a b@c", Password: cloud.Seal("p/ss:w@rd%?#")}
	u, err := url.Parse(strings.TrimPrefix(e.Variables()[0], "HTTPS_PROXY="))
	if err != nil {
		t.Fatal(err)
	}
	if password, _ := u.User.Password(); u.User.Username() != "a b@c" || password != "p/ss:w@rd%?#" || u.Host != e.Address {
		t.Errorf("got %q", u)
	}
}

func TestWithoutATrustStoreJavaKeepsItsOwn(t *testing.T) {
	if got := (Environment{Address: "127.0.0.1:1"}).java(); strings.Contains(got, "trustStore") {
		t.Errorf("got %s", got)
	}
}

func TestMergeKeepsTheJavaOptionsOfBoth(t *testing.T) {
	for name, c := range map[string]struct{ own, prepared, want []string }{
		"nothing":                  {nil, nil, nil},
		"what is prepared wins":    {[]string{"A=1", "B=2"}, []string{"A=3"}, []string{"A=3", "B=2"}},
		"each name stands once":    {[]string{"A=1", "A=2"}, nil, []string{"A=2"}},
		"what is no variable":      {[]string{"A", "=x", "B="}, nil, []string{"B="}},
		"Java's options add up":    {[]string{"JAVA_TOOL_OPTIONS=-Xmx1g"}, []string{"JAVA_TOOL_OPTIONS=-Da=b"}, []string{"JAVA_TOOL_OPTIONS=-Xmx1g -Da=b"}},
		"they do not pile up":      {[]string{"JAVA_TOOL_OPTIONS=-Xmx1g -Da=b"}, []string{"JAVA_TOOL_OPTIONS=-Da=b"}, []string{"JAVA_TOOL_OPTIONS=-Xmx1g -Da=b"}},
		"ours alone":               {[]string{"JAVA_TOOL_OPTIONS="}, []string{"JAVA_TOOL_OPTIONS=-Da=b"}, []string{"JAVA_TOOL_OPTIONS=-Da=b"}},
		"theirs alone":             {[]string{"JAVA_TOOL_OPTIONS=-Xmx1g"}, []string{"A=1"}, []string{"JAVA_TOOL_OPTIONS=-Xmx1g", "A=1"}},
		"a name in another case":   {[]string{"Path=1"}, []string{"PATH=2"}, []string{"Path=1", "PATH=2"}},
		"a value with equal signs": {[]string{"A=b=c"}, []string{"D=e=f"}, []string{"A=b=c", "D=e=f"}},
	} {
		if got := Merge(c.own, c.prepared); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// Java prints the options it picked up and the properties it made of them.
func TestJavaUnderstandsItsOptions(t *testing.T) {
	java := tool(t, "java")
	e := Environment{Address: "127.0.0.1:4140", TrustStore: "/a folder/trust store.p12"}
	run := exec.CommandContext(t.Context(), java, "-XshowSettings:properties", "-version")
	run.Env = append(run.Environ(), "JAVA_TOOL_OPTIONS="+e.java())
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, property := range []string{"java.net.useSystemProxies = true", "https.proxyPort = 4140", "https.proxyHost = 127.0.0.1",
		"javax.net.ssl.trustStore = /a folder/trust store.p12", "http.nonProxyHosts = localhost|127.*|[::1]|169.254.169.254"} {
		if !strings.Contains(string(out), property) {
			t.Errorf("%s is missing in %s", property, out)
		}
	}
}
