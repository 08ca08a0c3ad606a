package cloud

import "time"

// Activity is one record of the management plane's history: what somebody asked to change, and
// what came of it (wire-facts: "ARM conventions"). A request that changes something leaves two,
// one as it begins and one as it ends; a change that goes on in the background leaves a third.
type Activity struct {
	ID            string        `json:"id"` // a GUID of its own
	Time          time.Time     `json:"time"`
	Request       string        `json:"request"`     // a GUID, the same in all records of one request
	Correlation   string        `json:"correlation"` // the caller's or a new GUID
	Operation     string        `json:"operation"`   // Microsoft.KeyVault/vaults/write
	Resource      ID            `json:"resource"`
	State         ActivityState `json:"state"`
	Code          int           `json:"code,omitempty"`    // HTTP status; 0 while it is under way
	Fault         string        `json:"fault,omitempty"`   // why it failed: ScopeLocked
	Message       string        `json:"message,omitempty"` // the sentence that the client was told
	By            Caller        `json:"by"`
	Name          string        `json:"name,omitempty"` // of the caller, in the directory
	From          string        `json:"from,omitempty"` // the client's address
	Method        string        `json:"method"`
	ClientRequest string        `json:"clientRequest,omitempty"` // what the client calls its request
}

// ActivityState says how far a change has come.
type ActivityState string

// The states, in Azure's words.
const (
	ActivityStarted   ActivityState = "Started"
	ActivityAccepted  ActivityState = "Accepted" // it goes on in the background
	ActivitySucceeded ActivityState = "Succeeded"
	ActivityFailed    ActivityState = "Failed"
)
