package edge

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"lanyard/internal/cloud"
)

// Environment is what a prepared environment needs in order to find its way to the port and to
// trust what it meets there.
type Environment struct {
	Address    string // of the port, e.g. 127.0.0.1:4140
	User       string // of the proxy: the replica's name
	Password   cloud.Sealed
	Bundle     string // path of the PEM bundle
	TrustStore string // path of the Java trust store; empty leaves Java's own in place
}

// notProxied never takes the way through the proxy: what is local, and the address of IMDS.
const notProxied = "localhost,127.0.0.1,::1,169.254.169.254"

// Variables gives the variables as NAME=value. They have no HTTP_PROXY: JavaScript would send the
// identity endpoint itself through it. The credential is in the proxy variable alone, and not in
// Java's options too, since every Java program prints those when it starts.
func (e Environment) Variables() []string {
	proxy := (&url.URL{Scheme: "http", User: url.UserPassword(e.User, e.Password.Open()), Host: e.Address}).String()
	return []string{
		"HTTPS_PROXY=" + proxy,
		"https_proxy=" + proxy,
		"NO_PROXY=" + notProxied,
		"no_proxy=" + notProxied,
		"SSL_CERT_FILE=" + e.Bundle,
		"REQUESTS_CA_BUNDLE=" + e.Bundle,
		"CURL_CA_BUNDLE=" + e.Bundle,
		"NODE_EXTRA_CA_CERTS=" + e.Bundle,
		"GIT_SSL_CAINFO=" + e.Bundle,
		"NODE_USE_ENV_PROXY=1", // Node from 24 on heeds the proxy variables only when told to
		javaOptions + "=" + e.java(),
	}
}

const javaOptions = "JAVA_TOOL_OPTIONS"

// Merge lays a prepared environment over somebody's own, each NAME=value, and gives each name once.
// What is prepared wins, but for the options of Java programs, which are of use together: the JVM
// takes the last of those that say the same, so the own ones come first.
func Merge(own, prepared []string) []string {
	at := map[string]int{}
	var all []string
	for _, v := range slices.Concat(own, prepared) {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			continue
		}
		i, named := at[name]
		if !named {
			at[name] = len(all)
			all = append(all, v)
			continue
		}
		if name == javaOptions {
			before := strings.TrimSpace(strings.ReplaceAll(strings.TrimPrefix(all[i], name+"="), value, ""))
			v = name + "=" + strings.TrimSpace(before+" "+value)
		}
		all[i] = v
	}
	return all
}

// java gives the options of a Java program. Azure's SDK reads the proxy variable only where
// useSystemProxies is set.
func (e Environment) java() string {
	options := []string{
		"-Djava.net.useSystemProxies=true",
		"-Dhttp.nonProxyHosts=localhost|127.*|[::1]|169.254.169.254",
	}
	if host, port, err := net.SplitHostPort(e.Address); err == nil {
		options = append(options, "-Dhttps.proxyHost="+host, "-Dhttps.proxyPort="+port)
	}
	if e.TrustStore != "" {
		options = append(options,
			javaQuote("-Djavax.net.ssl.trustStore="+e.TrustStore),
			"-Djavax.net.ssl.trustStoreType=PKCS12",
			"-Djavax.net.ssl.trustStorePassword="+trustStorePassword)
	}
	return strings.Join(options, " ")
}

// javaQuote keeps an option with blanks in one piece; the JVM knows both kinds of quotes there.
func javaQuote(option string) string {
	if !strings.ContainsAny(option, " \t'") {
		return option
	}
	return `"` + option + `"`
}
