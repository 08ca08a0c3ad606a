package sdk

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/test/clients/stage"
)

// Nobody is a client id that no identity has.
const Nobody = "11111111-2222-4333-8444-555555555555"

// ManagementScope asks for a token that the vault must not take.
const ManagementScope = "https://management.azure.com/.default"

// Answer is what came of reading the secret by one credential.
type Answer struct {
	As           string // the credential, as the program was told
	Value        string // the secret
	Error        string // the exception's type
	Status       int    // of the response it carries, if any
	Code         string // the error code that the SDK found there, if any
	Inner        string // the inner error code that the SDK found there, if any
	Message      string // what a user is told
	Milliseconds int64  // how long the call took
}

// Want is what an SDK is to raise: type, status and codes exactly, and parts of the message. No
// answer may lead it into trying again beyond what it does anyhow.
type Want struct {
	Error   string
	Status  int
	Code    string
	Inner   string
	Message []string
	Tries   int // how often it may ask for a token; 0 is once
}

// Read has a program read the secret as an app, by each of these credentials.
func (s *Scene) Read(app string, program []string, as ...string) map[string]Answer {
	s.t.Helper()
	answers := map[string]Answer{}
	for _, a := range Run[Answer](s, app, program, as...) {
		answers[a.As] = a
	}
	if len(answers) != len(as) {
		s.t.Fatalf("%d credentials gave %d answers: %v", len(as), len(answers), answers)
	}
	return answers
}

// Reads has a program read the secret as [Reader], once by each way to name an identity.
func (s *Scene) Reads(program []string) {
	s.t.Helper()
	worn := s.Identity(Worn)
	credentials := map[string]string{
		"system-assigned":              "system",
		"user-assigned by client id":   "client=" + worn.Client,
		"user-assigned by object id":   "object=" + worn.Principal,
		"user-assigned by resource id": "resource=" + worn.ID,
		"DefaultAzureCredential":       "default",
	}
	answers := s.Read(Reader, program, slices.Collect(maps.Values(credentials))...)
	for name, as := range credentials {
		s.t.Run(name, func(t *testing.T) {
			if a := answers[as]; a.Value != Greeting {
				t.Errorf("%s read %q; %s: %s", as, a.Value, a.Error, a.Message)
			}
		})
	}
}

// Case is one failing read: what the program is told, and what its SDK is to raise.
type Case struct {
	As   string
	Want Want
}

// Raises has a program fail to read the secret as an app, once for each case.
func (s *Scene) Raises(app string, program []string, cases map[string]Case) {
	s.t.Helper()
	var all []string
	for _, c := range cases {
		all = append(all, c.As)
	}
	answers := s.Read(app, program, all...)
	tokens, reads := s.asked("msi"), s.asked("vault")
	mayToken, mayRead := 0, 2*len(cases) // the first read of a vault is there to be challenged
	for _, c := range cases {
		mayToken += max(1, c.Want.Tries)
	}
	if tokens > mayToken || reads > mayRead || reads == 0 {
		s.t.Errorf("%d calls asked %d times for a token and %d times for the secret; want at most %d and %d", len(cases), tokens, reads, mayToken, mayRead)
	}
	for name, c := range cases {
		s.t.Run(name, func(t *testing.T) { answers[c.As].check(t, c.Want) })
	}
}

// RaisesForForeign has a program fail to read the secret as [Reader] by identities that it does not
// wear, once by each way to name one.
func (s *Scene) RaisesForForeign(program []string, want Want) {
	s.t.Helper()
	foreign := s.Identity(Stranger)
	s.Raises(Reader, program, map[string]Case{
		"a client id that nobody has":         {As: "client=" + Nobody, Want: want},
		"the client id of another identity":   {As: "client=" + foreign.Client, Want: want},
		"the object id of another identity":   {As: "object=" + foreign.Principal, Want: want},
		"the resource id of another identity": {As: "resource=" + foreign.ID, Want: want},
	})
}

// asked counts the requests that a door of this platform has answered.
func (s *Scene) asked(door string) int {
	return strings.Count(s.Printed(), " msg=request door="+door+" ")
}

func (a Answer) check(t *testing.T, want Want) {
	t.Helper()
	if a.Error != want.Error || a.Status != want.Status || a.Code != want.Code || a.Inner != want.Inner {
		t.Errorf("raised %s, status %d, code %q, inner code %q; want %s, %d, %q, %q\n%s",
			a.Error, a.Status, a.Code, a.Inner, want.Error, want.Status, want.Code, want.Inner, a.Message)
	}
	for _, part := range want.Message {
		if !strings.Contains(a.Message, part) {
			t.Errorf("the message lacks %q:\n%s", part, a.Message)
		}
	}
	if took := time.Duration(a.Milliseconds) * time.Millisecond; took > stage.Patience {
		t.Errorf("the call took %s", took)
	}
}
