package arm

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// The states of a subscription's registration for a namespace.
const (
	registered    = "Registered"
	unregistering = "Unregistering"
	unregistered  = "Unregistered"
)

func registrationKey(subscription cloud.ID, namespace string) string {
	return cloud.KeysGate + "registrations" + subscription.Key() + "/" + strings.ToLower(namespace)
}

// registration gives the state of a subscription's registration, and the store's revision of it.
// Subscriptions begin registered for every namespace there is.
func (e *Engine) registration(subscription cloud.ID, namespace string) (state string, revision int64) {
	entry, ok := e.gates.Get(registrationKey(subscription, namespace))
	if !ok {
		return registered, 0
	}
	return string(entry.Value), entry.Revision
}

// checkRegistered refuses a write in a namespace that the subscription is not registered for. The
// condition that it gives keeps the registration as it is until the write is made.
func (e *Engine) checkRegistered(id cloud.ID) ([]store.Change, error) {
	namespace, _, _ := strings.Cut(id.Type(), "/")
	if id.Subscription() == "" || slices.Contains(registrationFree, strings.ToLower(namespace)) {
		return nil, nil
	}
	subscription, err := cloud.ParseID("/subscriptions/" + id.Subscription())
	if err != nil {
		return nil, err
	}
	state, revision := e.registration(subscription, namespace)
	if state != registered {
		return nil, fault.New(fault.Conflict, "MissingSubscriptionRegistration",
			"The subscription is not registered to use namespace '%s'. See https://aka.ms/rps-not-found for how to register subscriptions.", namespace).
			Within(namespace).Try("lanyard provider register --namespace %s", namespace)
	}
	return []store.Change{{Key: registrationKey(subscription, namespace), If: revision, Check: true}}, nil
}

func toRegister(c call) string   { return c.word + "/register/action" }
func toUnregister(c call) string { return c.word + "/unregister/action" }

// register registers a subscription for a namespace.
func (e *Engine) register(w http.ResponseWriter, r *http.Request, c call) error {
	p, err := e.mayRegister(r, c, toRegister(c))
	if err != nil {
		return err
	}
	err = e.retry(r.Context(), c.id, func() error {
		state, revision := e.registration(c.id, p.Namespace)
		if state == registered {
			return nil
		}
		_, err := e.setRegistration(r.Context(), store.Change{Key: registrationKey(c.id, p.Namespace), Value: []byte(registered), If: revision})
		return err
	})
	if err != nil {
		return err
	}
	p.State = registered
	return httpkit.WriteJSON(w, http.StatusOK, p)
}

// unregister ends a subscription's registration, unless it has resources of the namespace.
func (e *Engine) unregister(w http.ResponseWriter, r *http.Request, c call) error {
	p, err := e.mayRegister(r, c, toUnregister(c))
	if err != nil {
		return err
	}
	if p.Policy == "RegistrationFree" {
		return fault.New(fault.Conflict, "CannotUnregisterNamespace", "The namespace '%s' cannot be unregistered: it belongs to every subscription.", p.Namespace)
	}
	if err := e.retry(r.Context(), c.id, func() error { return e.shut(r.Context(), c.id, p.Namespace) }); err != nil {
		return err
	}
	p.State = unregistered
	return httpkit.WriteJSON(w, http.StatusOK, p)
}

// shut closes a namespace first, so that nothing new is made in it and what is found then is all
// there will be; when something is found, it opens it again.
func (e *Engine) shut(ctx context.Context, subscription cloud.ID, namespace string) error {
	key := registrationKey(subscription, namespace)
	state, revision := e.registration(subscription, namespace)
	if state == unregistered {
		return nil
	}
	revision, err := e.setRegistration(ctx, store.Change{Key: key, Value: []byte(unregistering), If: revision})
	if err != nil {
		return err
	}
	next, found := unregistered, e.inUse(subscription, namespace)
	if found != nil {
		next = registered
	}
	if _, err := e.setRegistration(ctx, store.Change{Key: key, Value: []byte(next), If: revision}); err != nil {
		return err
	}
	return found
}

// inUse refuses to unregister a namespace that a subscription has resources of.
func (e *Engine) inUse(subscription cloud.ID, namespace string) error {
	for _, d := range e.Documents(subscription, "") {
		if space, _, _ := strings.Cut(d.Type, "/"); strings.EqualFold(space, namespace) {
			return fault.New(fault.Conflict, "CannotUnregisterNamespace",
				"The subscription cannot be unregistered from the namespace '%s' while it has resources of it, such as '%s'.", namespace, d.ID)
		}
	}
	return nil
}

func (e *Engine) setRegistration(ctx context.Context, change store.Change) (int64, error) {
	revision, err := e.Store.Commit(ctx, change)
	if err != nil {
		return 0, err
	}
	return revision, e.Await(ctx, revision)
}

func (e *Engine) mayRegister(r *http.Request, c call, needs string) (wireProvider, error) {
	if err := e.permit(r.Context(), c.caller, needs, c.id); err != nil {
		return wireProvider{}, err
	}
	if err := e.exists(r.Context(), c.id); err != nil {
		return wireProvider{}, err
	}
	return e.providerAt(c.id, c.word)
}
