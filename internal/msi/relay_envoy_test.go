package msi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// envoyCase is a listener of Envoy and how a caller uses it.
type envoyCase struct {
	manager string // of the HTTP connection manager
	route   string // of the route's action
	routes  string // of the route configuration
	filter  string // before the router
	match   string // of the route; "" is every path
	router  string
	tcp     string // the cluster that bytes alone are passed to; the rest is not looked at
	named   bool   // the caller names the endpoint, not Envoy
	how     func(envoy, endpoint string) way
	sign    string // what the refusal names: the one trace that is left, where only one is
	header  bool   // it is tried with the replica's header too
	want    int
}

const (
	envoyType  = "type.googleapis.com/envoy.extensions."
	dnsCache   = "dns_cache_config: {name: cache, dns_lookup_family: V4_ONLY}"
	forwarding = "{name: envoy.filters.http.dynamic_forward_proxy, typed_config: {\"@type\": " + envoyType +
		"filters.http.dynamic_forward_proxy.v3.FilterConfig, " + dnsCache + "}},"
	traceless = "request_headers_to_remove: [x-forwarded-proto, x-request-id, x-forwarded-for]"
)

// listener spells a case as Envoy's configuration has it.
func (c envoyCase) listener(name, address string) string {
	_, port, _ := strings.Cut(address, ":")
	filter := fmt.Sprintf("{name: tcp, typed_config: {\"@type\": %sfilters.network.tcp_proxy.v3.TcpProxy, stat_prefix: tcp, cluster: %s}}", envoyType, c.tcp)
	if c.tcp == "" {
		join := func(parts ...string) string {
			var own []string
			for _, part := range parts {
				if part != "" {
					own = append(own, part)
				}
			}
			return strings.Join(own, ", ")
		}
		match, route := c.match, join("cluster: endpoint", c.route)
		if match == "" {
			match = "prefix: /"
		}
		if c.filter == forwarding {
			route = join("cluster: anywhere", c.route)
		}
		filter = fmt.Sprintf("{name: http, typed_config: {%s}}", join(
			"\"@type\": "+envoyType+"filters.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix: http", c.manager,
			fmt.Sprintf("http_filters: [%s {name: envoy.filters.http.router, typed_config: {%s}}]", c.filter,
				join("\"@type\": "+envoyType+"filters.http.router.v3.Router", c.router)),
			fmt.Sprintf("route_config: {%s}", join(c.routes,
				fmt.Sprintf("virtual_hosts: [{name: all, domains: [\"*\"], routes: [{match: {%s}, route: {%s}}]}]", match, route)))))
	}
	return fmt.Sprintf("  - {name: %q, address: {socket_address: {address: 127.0.0.1, port_value: %s}}, filter_chains: [{filters: [%s]}]}\n", name, port, filter)
}

// envoyClusters are the endpoint, the endpoint told first who calls, and whatever the caller names.
func envoyClusters(to string) string {
	host, port, _ := strings.Cut(to, ":")
	endpoint := fmt.Sprintf("load_assignment: {cluster_name: endpoint, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: %s, port_value: %s}}}}]}]}", host, port)
	return "  - {name: endpoint, " + endpoint + "}\n" +
		"  - {name: told, " + endpoint + ", transport_socket: {name: told, typed_config: {\"@type\": " + envoyType +
		"transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport, transport_socket: {name: raw, typed_config: {\"@type\": " +
		envoyType + "transport_sockets.raw_buffer.v3.RawBuffer}}}}}\n" +
		"  - {name: anywhere, lb_policy: CLUSTER_PROVIDED, cluster_type: {name: anywhere, typed_config: {\"@type\": " + envoyType +
		"clusters.dynamic_forward_proxy.v3.ClusterConfig, " + dnsCache + "}}}\n"
}

// envoy starts Envoy with a listener for each case, without its admin port, and gives their addresses.
func envoy(t *testing.T, cases map[string]envoyCase, to string) map[string]string {
	t.Helper()
	at := program(t, "envoy", "../../test/clients/.tools/envoy/bin/envoy")
	file, free := filepath.Join(t.TempDir(), "envoy.yaml"), unused(t, len(cases))
	addresses, listeners := map[string]string{}, ""
	for name, c := range cases {
		addresses[name] = free[len(addresses)]
		listeners += c.listener(name, addresses[name])
	}
	config := "static_resources:\n  listeners:\n" + listeners + "  clusters:\n" + envoyClusters(to)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	runs(t, exec.Command(at, "-c", file, "--disable-hot-restart", "--concurrency", "1", "--log-level", "error"), free...)
	return addresses
}

// viaProxy goes to the endpoint by naming Envoy as the proxy, as HTTP_PROXY does.
func viaProxy(envoy, endpoint string) way {
	return way{address: endpoint, transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: envoy})}}
}

// viaTunnel goes to the endpoint through a tunnel that Envoy opens.
func viaTunnel(envoy, endpoint string) way {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, envoy)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(conn, "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", address)
		answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect})
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("the tunnel is answered %s", answer.Status)
		}
		return conn, err
	}
	return way{address: endpoint, transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}}
}

// TestEnvoyReachesNothing is T2 with Envoy in front, configured as its users do. Where it leaves no
// trace and the caller or Envoy itself names the endpoint, the header that its callers lack is what
// is left; one who has the replica's header needs no Envoy.
func TestEnvoyReachesNothing(t *testing.T) {
	w := newWorld(t, worn(system)...)
	to := w.port(t)
	named := fmt.Sprintf("host_rewrite_literal: %q", to)
	cases := map[string]envoyCase{
		"as it comes":                              {sign: "carry X-", header: true, want: 400},
		"as it comes, called by our name":          {named: true, sign: "carry X-", header: true, want: 400},
		"that names our address":                   {route: named, sign: "carry X-", header: true, want: 400},
		"that keeps its own headers to itself":     {route: named, router: "suppress_envoy_headers: true", sign: "carry X-Forwarded-Proto", header: true, want: 400},
		"at the edge, which names the caller":      {route: named, manager: "use_remote_address: true", routes: "request_headers_to_remove: [x-forwarded-proto]", sign: "carry X-", header: true, want: 400},
		"that writes Via":                          {route: named, manager: "via: envoy", routes: traceless, router: "suppress_envoy_headers: true", sign: "carry Via", header: true, want: 400},
		"that says where it rewrote the Host":      {route: named + ", append_x_forwarded_host: true", routes: "request_headers_to_remove: [x-forwarded-proto]", router: "suppress_envoy_headers: true", sign: "carry X-Forwarded-Host", header: true, want: 400},
		"that says how long it waits":              {route: named, routes: traceless, sign: "carry X-Envoy-", header: true, want: 400},
		"that rewrites the path":                   {route: named + ", prefix_rewrite: \"//\"", header: true, want: 400},
		"of bytes":                                 {tcp: "endpoint", sign: "not known under this host name", header: true, want: 400},
		"that goes wherever the Host leads":        {filter: forwarding, named: true, sign: "carry X-", header: true, want: 400},
		"as a proxy for everywhere":                {filter: forwarding, how: viaProxy, sign: "carry X-", header: true, want: 400},
		"for everywhere, no trace, header absent":  {filter: forwarding, how: viaProxy, routes: traceless, router: "suppress_envoy_headers: true", want: 401},
		"that leaves no trace, header absent":      {route: named, routes: traceless, router: "suppress_envoy_headers: true", want: 401},
		"of bytes, by our name, header absent":     {tcp: "endpoint", named: true, want: 401},
		"that opens a tunnel to us, header absent": {match: "connect_matcher: {}", route: "upgrade_configs: [{upgrade_type: CONNECT, connect_config: {}}]", manager: "upgrade_configs: [{upgrade_type: CONNECT}]", how: viaTunnel, want: 401},
	}
	const told = "of bytes that says whom it speaks for"
	cases[told] = envoyCase{tcp: "told"}
	at := envoy(t, cases, to)
	for name, c := range cases {
		if name == told {
			continue
		}
		t.Run(name, func(t *testing.T) {
			by := way{address: at[name]}
			if c.named {
				by.host = to
			}
			if c.how != nil {
				by = c.how(at[name], to)
			}
			by.sign = c.sign
			w.along(t, by, c.header, c.want)
			w.along(t, by, false, c.want)
		})
	}
	// PROXY protocol: its line is no request, so the port refuses it before the endpoint is asked. What
	// was sent behind it is not read, which may cut the connection before the refusal is through.
	t.Run(told, func(t *testing.T) {
		for _, header := range []string{"", "X-IDENTITY-HEADER: {header}\r\n"} {
			conn, err := net.Dial("tcp", at[told])
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(conn, w.fill("GET {path}"+query2019+" HTTP/1.1\r\nHost: {host}\r\n"+header+"Connection: close\r\n\r\n"))
			answer, err := io.ReadAll(conn)
			conn.Close()
			if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") && (err == nil || len(answer) > 0) || strings.Contains(string(answer), "token-") {
				t.Errorf("the answer is %s, %v", answer, err)
			}
		}
	})
	if n := w.minted(); n > 0 {
		t.Errorf("%d tokens were minted", n)
	}
}
