package entra

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// enterCode shows the page on which a person enters the code that an app shows.
func (d *Door) enterCode(w http.ResponseWriter, r *http.Request) error {
	return d.show(w, r, page{Step: stepCode})
}

// answerCode goes from the code to the password, from there to the question whether the app may,
// and then says how it ended.
func (d *Door) answerCode(w http.ResponseWriter, r *http.Request) error {
	form, err := d.entered(r)
	if err != nil {
		return err
	}
	f, err := d.lookUp(r.Context(), form.Get("code"))
	if err != nil {
		return d.show(w, r, page{Step: stepCode, Wrong: err})
	}
	p := page{Step: stepPassword, Code: form.Get("code"), Client: nameOf(f.Client), Name: form.Get("name")}
	switch step := form.Get("step"); {
	case step == stepCode:
	case step == stepPassword && form.Get("answer") == "no":
		p, err = d.decide(r.Context(), f, declined)
	case step == stepPassword:
		p, err = d.introduce(r.Context(), f, p, form)
	case step == stepConfirm && !f.shows(form.Get("ticket")):
	case step == stepConfirm && form.Get("answer") == "yes":
		p, err = d.decide(r.Context(), f, approved)
	case step == stepConfirm:
		p, err = d.decide(r.Context(), f, declined)
	default:
		return malformed("its step is not one of the page's")
	}
	if errors.Is(err, store.ErrConflict) { // somebody else went on with it
		p = page{Step: stepCode, Wrong: refuse(70018, "This sign-in has ended meanwhile. Let your app begin again.")}
	} else if err != nil {
		return err
	}
	return d.show(w, r, p)
}

// found is a device as it lies in the store.
type found struct {
	device
	key      string
	revision int64
}

// shows reports whether a browser holds what it got for the right password.
func (f found) shows(ticket string) bool {
	return f.State == known && subtle.ConstantTimeCompare([]byte(hash(ticket)), []byte(f.Ticket)) == 1
}

// lookUp finds the device that waits under a user code.
func (d *Door) lookUp(ctx context.Context, code string) (found, error) {
	wrong := refuse(70018, "That code is not right, or it has expired. Look at the code that your app shows, or let it begin again.")
	code = strings.ToLower(strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' {
			return -1
		}
		return c
	}, code))
	if len(code) != userCodeLength || strings.Trim(code, strings.ToLower(userCodeLetters)) != "" {
		return found{}, wrong
	}
	if d.codes.take(keysDevice, maxWrongCodes, d.now()) {
		return found{}, refuse(50053, "There were too many wrong codes. Wait five minutes, then try again.")
	}
	key := keysDevice + code
	dev, revision, err := fetch[device](ctx, d.Store, key)
	if err != nil {
		return found{}, err
	}
	if revision == 0 || d.ended(dev.expiring) || dev.State == approved || dev.State == declined {
		return found{}, wrong
	}
	d.codes.giveBack(keysDevice)
	return found{dev, key, revision}, nil
}

// introduce checks the password, and gives the page that asks whether the app which shows the code
// may go on.
func (d *Door) introduce(ctx context.Context, f found, p page, form url.Values) (page, error) {
	who, err := d.recognise(ctx, form.Get("name"), cloud.Seal(form.Get("password")))
	if err != nil {
		p.Wrong = err
		return p, nil
	}
	ticket, err := d.draw(32)
	if err != nil {
		return page{}, err
	}
	f.State, f.Person, f.Begun, f.Ticket = known, who.ID, d.now().UTC(), hash(ticket)
	p.Step, p.Name, p.Ticket = stepConfirm, who.SignIn, ticket
	_, err = d.rewrite(ctx, f.key, f.revision, f.device)
	return p, err
}

// decide writes the person's answer, and gives the last page.
func (d *Door) decide(ctx context.Context, f found, state string) (page, error) {
	f.State, f.Ticket = state, ""
	said := "You have signed in to "
	if state == declined {
		said = "You have not signed in to "
	}
	_, err := d.rewrite(ctx, f.key, f.revision, f.device)
	return page{Step: stepDone, Said: said + nameOf(f.Client) + ". You may close this window."}, err
}

// nameOf gives the name of a public client.
func nameOf(id cloud.ClientID) string {
	for _, c := range publicClients() {
		if c.ID == id {
			return c.Name
		}
	}
	return string(id)
}

// signOut says that there is nothing to end here: the page keeps no session in the browser. Where
// the app would have the browser go next is not looked at, for it may be anywhere.
func (d *Door) signOut(w http.ResponseWriter, r *http.Request) error {
	if _, err := d.home(r); err != nil {
		return err
	}
	return d.show(w, r, page{Step: stepDone, Said: "You are signed out of this browser. What your apps remember, they forget by their own command, such as az logout."})
}
