package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// takeToken is what somebody who may run commands in an app would run: nothing but a shell.
const takeToken = `h=${IDENTITY_ENDPOINT#http://}; h=${h%%/*}; p=/${IDENTITY_ENDPOINT#http://*/}
exec 3<>/dev/tcp/${h%:*}/${h#*:}
printf "GET %s?api-version=2019-08-01&resource=https://vault.azure.net HTTP/1.1\r\nHost: %s\r\nX-IDENTITY-HEADER: %s\r\nConnection: close\r\n\r\n" "$p" "$h" "$IDENTITY_HEADER" >&3
read -r answer <&3; echo "answered $answer"`

// T17: whoever runs commands in an app cannot be kept from its identity, but is seen.
func TestAShellThatTakesATokenIsNamed(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		without(t, "there is no bash, the shell that can connect by itself")
	}
	if shell, err = filepath.EvalSymlinks(shell); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 100)
	s := newStage(t, func(c *Config) {
		c.Output = func(l Line) {
			if strings.HasPrefix(l.Text, "answered") {
				select {
				case said <- l.Text:
				default: // the app runs again and again
				}
			}
		}
	})
	command, err := json.Marshal([]string{shell, "-c", takeToken})
	if err != nil {
		t.Fatal(err)
	}
	group := s.scope().String() + "/resourceGroups/rg"
	s.put(t, group, "2022-09-01", `{"location":"westeurope"}`)
	s.put(t, group+"/providers/Microsoft.App/managedEnvironments/env", "2024-03-01", `{"location":"westeurope","properties":{}}`)
	s.put(t, group+"/providers/Microsoft.App/containerApps/victim", "2024-03-01", fmt.Sprintf(`{"location":"westeurope","identity":{"type":"SystemAssigned"},
		"properties":{"environmentId":%q,"template":{"containers":[{"name":"main","image":"local/shell","command":%s}],"scale":{"minReplicas":1}}}}`,
		group+"/providers/Microsoft.App/managedEnvironments/env", command))
	patient, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case line := <-said:
		if !strings.Contains(line, "200") {
			t.Fatal(line)
		}
	case <-patient.Done():
		t.Fatal("the shell says nothing")
	}
	records := s.listed(t, "identity=victim&result=success", s.token(t, "https://management.azure.com/")).Value
	if len(records) == 0 {
		t.Fatal("there is no record")
	}
	if p := records[0].Process; p.Program != shell || p.PID == 0 || !records[0].Attested {
		t.Errorf("the record says %+v, attested: %t", p, records[0].Attested)
	}
}
