package httpkit

// The keys of log attributes, all of them: one spelling each.
const (
	KeyAction      = "action"
	KeyApp         = "app"
	KeyAttested    = "attested" // whether the calling process was told
	KeyAudience    = "audience"
	KeyCaller      = "caller"
	KeyCorrelation = "correlation"
	KeyDoor        = "door"
	KeyError       = "error"
	KeyFederated   = "federated" // name of a federated credential
	KeyDocument    = "document"  // the key of a stored document
	KeyHost        = "host"
	KeyIdentity    = "identity"
	KeyKeyID       = "kid"
	KeyMethod      = "method"
	KeyPath        = "path"
	KeyReplica     = "replica"
	KeyScope       = "scope"
	KeyStatus      = "status"
	KeyTokenID     = "uti"
	KeyTook        = "took"
)
