package cloud

import "time"

// Process is a process of this machine at the other end of a connection.
type Process struct {
	PID     int    `json:"pid,omitempty"`
	UID     int    `json:"uid,omitempty"`
	Program string `json:"program,omitempty"` // path of its executable
}

// SignIn is the record of one minted token: who got it, where, and what for. It holds nothing of the
// token but its id.
type SignIn struct {
	Token     string      `json:"token"` // uti
	Key       string      `json:"key"`   // kid
	Time      time.Time   `json:"time"`
	Expires   time.Time   `json:"expires"`
	Principal PrincipalID `json:"principal"`
	Client    ClientID    `json:"client"`
	Kind      Kind        `json:"kind"`
	Name      string      `json:"name"`                // of the principal
	Identity  ID          `json:"identity,omitzero"`   // the user-assigned identity, or what the system-assigned one belongs to
	App       ID          `json:"app,omitzero"`        // for which it was minted; zero for applications and people
	Replica   string      `json:"replica,omitempty"`   // that asked first
	Audience  string      `json:"audience"`            // aud
	Protocol  string      `json:"protocol"`            // by which it was asked for: "AppService 2019-08-01", "client_credentials"
	Process   Process     `json:"process,omitzero"`    // that asked first, where it is known
	Attested  bool        `json:"attested,omitempty"`  // the process was found to belong to the replica
	From      string      `json:"from,omitempty"`      // the client's address
	Federated string      `json:"federated,omitempty"` // name of the federated credential by which it was got
}

// Refused is the record of a token that somebody did not get, or that came from elsewhere than its app.
type Refused struct {
	Time      time.Time   `json:"time"`
	App       ID          `json:"app,omitzero"`
	Replica   string      `json:"replica,omitempty"` // that asked, or by whose way the token came
	Principal PrincipalID `json:"principal,omitempty"`
	Client    ClientID    `json:"client,omitempty"`
	Audience  string      `json:"audience,omitempty"` // as it was asked for, clipped
	Protocol  string      `json:"protocol,omitempty"`
	Process   Process     `json:"process,omitzero"`
	From      string      `json:"from,omitempty"`
	Token     string      `json:"token,omitempty"` // uti of a token that came from elsewhere
	Status    int         `json:"status"`          // HTTP; 0 when it came from elsewhere and was accepted
	Code      string      `json:"code"`            // the fault's own
	Reason    string      `json:"reason"`          // a sentence
}
