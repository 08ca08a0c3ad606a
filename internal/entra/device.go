package entra

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

const (
	deviceLife     = 15 * time.Minute
	devicePoll     = 5 * time.Second // between two requests of an app that waits
	maxDevices     = 1000            // that wait at one time
	userCodeLength = 9
	// userCodeLetters make no words and are not taken for one another (RFC 8628 section 6.1).
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
)

// Where a device's sign-in stands.
const (
	waiting  = ""
	known    = "known" // the person gave their password, and has yet to say yes
	approved = "approved"
	declined = "declined"
)

// device is a sign-in that an app waits for while a person makes it elsewhere (RFC 8628).
type device struct {
	expiring
	Hash   string          `json:"hash"` // of the device code
	Client cloud.ClientID  `json:"client"`
	Asked  requestedScopes `json:"asked"`
	State  string          `json:"state,omitempty"`
	// Person and Begun are set once the person has given their password; Ticket is the hash of what
	// their browser shows to go on.
	Person cloud.PrincipalID `json:"person,omitempty"`
	Begun  time.Time         `json:"begun,omitzero"`
	Ticket string            `json:"ticket,omitempty"`
}

// deviceAnswer is what begins a device's sign-in (RFC 8628 section 3.2); MSAL Go needs numbers.
type deviceAnswer struct {
	UserCode   string `json:"user_code"`
	DeviceCode string `json:"device_code"`
	Where      string `json:"verification_uri"`
	Expires    int    `json:"expires_in"`
	Interval   int    `json:"interval"`
	Message    string `json:"message"`
}

// deviceAnswerV1 is that of the v1 endpoint.
type deviceAnswerV1 struct {
	UserCode   string `json:"user_code"`
	DeviceCode string `json:"device_code"`
	Where      string `json:"verification_url"`
	Expires    string `json:"expires_in"`
	Interval   string `json:"interval"`
	Message    string `json:"message"`
}

// devicePath is where people enter a code: /devicelogin as on Microsoft's own page.
const devicePath = "/devicelogin"

func (d *Door) startDevice(w http.ResponseWriter, r *http.Request) error {
	a, err := d.newDevice(r, v2)
	if err != nil {
		return err
	}
	unstored(w, r)
	return httpkit.WriteJSON(w, http.StatusOK, a)
}

func (d *Door) startDeviceV1(w http.ResponseWriter, r *http.Request) error {
	a, err := d.newDevice(r, v1)
	if err != nil {
		return err
	}
	unstored(w, r)
	return httpkit.WriteJSON(w, http.StatusOK, deviceAnswerV1{
		UserCode: a.UserCode, DeviceCode: a.DeviceCode, Where: a.Where, Message: a.Message,
		Expires: strconv.Itoa(a.Expires), Interval: strconv.Itoa(a.Interval),
	})
}

func (d *Door) newDevice(r *http.Request, v version) (deviceAnswer, error) {
	if _, err := d.home(r); err != nil {
		return deviceAnswer{}, err
	}
	q, err := read(r)
	if err != nil {
		return deviceAnswer{}, err
	}
	c := call{request: q, version: v}
	client, err := d.identified(c)
	if err != nil {
		return deviceAnswer{}, err
	}
	asked, err := c.requested(requestedScopes{})
	switch {
	case err != nil:
		return deviceAnswer{}, err
	case asked.Resource == "" && v == v1:
		return deviceAnswer{}, missing("resource")
	case asked.Resource == "":
		return deviceAnswer{}, missing("scope")
	}
	if _, err := d.find(asked.Resource); err != nil {
		return deviceAnswer{}, err
	}
	userCode, deviceCode, err := d.keepDevice(r.Context(), device{Client: client.ID, Asked: asked})
	where := d.page(r) + devicePath
	return deviceAnswer{
		UserCode: userCode, DeviceCode: deviceCode, Where: where,
		Expires: int(deviceLife / time.Second), Interval: int(devicePoll / time.Second),
		Message: fmt.Sprintf("To sign in, use a web browser to open the page %s and enter the code %s to authenticate.", where, userCode),
	}, err
}

// keepDevice draws the two codes and writes the device under the first. The device code ends in the
// user code, so that both find it.
func (d *Door) keepDevice(ctx context.Context, dev device) (userCode, deviceCode string, err error) {
	if err := d.makeRoom(ctx); err != nil {
		return "", "", err
	}
	dev.expiring = d.lasting(deviceLife)
	for range 3 {
		if userCode, err = d.userCode(); err != nil {
			return "", "", err
		}
		secret, err := d.draw(32)
		if err != nil {
			return "", "", err
		}
		dev.Hash = hash(secret)
		err = d.create(ctx, keysDevice+strings.ToLower(userCode), dev)
		if !errors.Is(err, store.ErrConflict) {
			return userCode, secret + userCode, err
		}
	}
	return "", "", errors.New("draw user code: all were taken")
}

// makeRoom lets one more device wait. Where as many do as may, the one that has waited longest goes:
// anybody may ask for codes, and those who ask for many are not to keep out who comes next. A person
// who has begun to sign in loses nothing.
func (d *Door) makeRoom(ctx context.Context) error {
	entries, _, err := d.Store.List(ctx, keysDevice)
	if err != nil {
		return err
	}
	var oldest found
	living := 0
	for _, e := range entries {
		var dev device
		if err := json.Unmarshal(e.Value, &dev); err != nil || d.ended(dev.expiring) {
			continue
		}
		living++
		if dev.State == waiting && (oldest.key == "" || dev.Ends.Before(oldest.Ends)) {
			oldest = found{dev, e.Key, e.Revision}
		}
	}
	switch {
	case living < maxDevices:
		return nil
	case oldest.key == "":
		return fault.New(fault.Unavailable, prefix+"90033", "Too many sign-ins have begun and not ended. Try again in a few minutes.")
	}
	_, err = d.Store.Commit(ctx, store.Change{Key: oldest.key, If: oldest.revision})
	if errors.Is(err, store.ErrConflict) {
		return nil // somebody has gone on with it, or it has gone: a thousand is no exact bound
	}
	return err
}

// userCode draws a code that people can type.
func (d *Door) userCode() (string, error) {
	var code strings.Builder
	for code.Len() < userCodeLength {
		var b [1]byte
		if _, err := io.ReadFull(d.random(), b[:]); err != nil {
			return "", fmt.Errorf("draw user code: %w", err)
		}
		if n := int(b[0]); n < 256-256%len(userCodeLetters) { // so that no letter is likelier than another
			code.WriteByte(userCodeLetters[n%len(userCodeLetters)])
		}
	}
	return code.String(), nil
}

// poll answers an app that waits (RFC 8628 section 3.5). It is never told to slow down: MSAL for
// Node takes that for the end.
func (d *Door) poll(ctx context.Context, c call) (outcome, error) {
	code := c.device.Open()
	if code == "" {
		code = c.code.Open() // as the v1 endpoint names it
	}
	if code == "" {
		return outcome{}, missing("device_code")
	}
	client, err := d.identified(c)
	if err != nil {
		return outcome{}, err
	}
	at := max(len(code)-userCodeLength, 0)
	key := keysDevice + strings.ToLower(code[at:])
	dev, revision, err := fetch[device](ctx, d.Store, key)
	switch {
	case err != nil:
		return outcome{}, err
	case revision == 0 || subtle.ConstantTimeCompare([]byte(hash(code[:at])), []byte(dev.Hash)) != 1 || dev.Client != client.ID:
		return outcome{}, refuse(70018, "Invalid verification code due to user typing in wrong user code for device code flow, or a device code that is spent.")
	case d.ended(dev.expiring):
		return outcome{}, refuse(70019, "Verification code expired. Have the user retry the sign-in.")
	case dev.State == waiting || dev.State == known:
		return outcome{}, refuse(pending, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	}
	// One use: whoever removes it has it.
	if _, err := d.Store.Commit(ctx, store.Change{Key: key, If: revision}); errors.Is(err, store.ErrConflict) {
		return outcome{}, refuse(70018, "Invalid verification code: the device code is spent.")
	} else if err != nil {
		return outcome{}, err
	}
	if dev.State != approved {
		return outcome{}, refuse(65004, "User declined to consent to access the app.")
	}
	asked, err := c.requested(dev.Asked)
	if err != nil {
		return outcome{}, err
	}
	return d.grantPerson(ctx, c, signIn{client: client, person: dev.Person, begun: dev.Begun, asked: asked})
}
