// An implementation of container networks for `goldpath run contract -i plugin:./plugin`: bridges and veth pairs by ip, the
// rule by nft. A question comes on standard input, the answer goes to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Every feature that you add is tested: goldpath schema plugin describes them.
var features = []string{"bridge", "masquerade"}

type question struct {
	Verb     string
	Scenario scenario
	Folder   string
}

type scenario struct {
	Networks   []network
	Containers []container
}

type network struct {
	Name    string
	Subnets []struct{ Subnet, Gateway string }
}

type container struct {
	Name string
	// "none", "host" or an object.
	Attached json.RawMessage
}

type attached struct {
	Networks []struct {
		Name      string
		Addresses []string
	}
}

// A container on a network: its link on the host, and its address with the length of the prefix.
type member struct{ container, link, address string }

func (n network) bridge() string { return "br-" + n.Name }

func (n network) length() string { return strings.Split(n.Subnets[0].Subnet, "/")[1] }

func (s scenario) members(number int) []member {
	on := s.Networks[number]
	asked := map[string]string{}
	taken := map[string]bool{on.Subnets[0].Gateway: true}
	var names []string
	for _, one := range s.Containers {
		var to attached
		if json.Unmarshal(one.Attached, &to) != nil {
			continue
		}
		for _, link := range to.Networks {
			if link.Name != on.Name {
				continue
			}
			names = append(names, one.Name)
			if len(link.Addresses) > 0 {
				asked[one.Name] = link.Addresses[0]
				taken[link.Addresses[0]] = true
			}
		}
	}
	next, _, err := net.ParseCIDR(on.Subnets[0].Subnet)
	must(err)
	next = next.To4()
	var all []member
	for _, name := range names {
		address := asked[name]
		for address == "" {
			next[3]++
			if !taken[next.String()] {
				address = next.String()
			}
		}
		all = append(all, member{name, fmt.Sprintf("v%d%s", number, name), address + "/" + on.length()})
	}
	return all
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command string) error {
	words := strings.Fields(command)
	said, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %v: %s", command, err, said)
	}
	return nil
}

const forwarding = "/proc/sys/net/ipv4/ip_forward"

func setup(q question) {
	before, err := os.ReadFile(forwarding)
	must(err)
	must(os.WriteFile(filepath.Join(q.Folder, "ip_forward"), before, 0o600))
	must(os.WriteFile(forwarding, []byte("1"), 0))
	must(run("nft add table ip plugin"))
	must(run("nft add chain ip plugin leave { type nat hook postrouting priority 100 ; }"))
	must(run("nft add chain ip plugin pass { type filter hook forward priority 0 ; }"))
	for number, on := range q.Scenario.Networks {
		bridge, subnet := on.bridge(), on.Subnets[0]
		must(run("ip link add " + bridge + " type bridge"))
		must(run("ip address add " + subnet.Gateway + "/" + on.length() + " dev " + bridge))
		must(run("ip link set " + bridge + " up"))
		must(run("nft add rule ip plugin leave ip saddr " + subnet.Subnet + " oifname != " + bridge + " masquerade"))
		// A segment of no connection is not rewritten, and would leave with the container's address.
		must(run("nft add rule ip plugin pass iifname " + bridge + " ct state invalid drop"))
		for _, one := range q.Scenario.members(number) {
			must(run("ip link add " + one.link + " type veth peer name eth0 netns " + one.container))
			must(run("ip link set " + one.link + " master " + bridge + " up"))
			must(run("ip -n " + one.container + " address add " + one.address + " dev eth0"))
			must(run("ip -n " + one.container + " link set eth0 up"))
			must(run("ip -n " + one.container + " route add default via " + subnet.Gateway))
		}
	}
}

// Undoes everything and goes on after errors, which it returns.
func teardown(q question) []string {
	var wrong []string
	try := func(err error) {
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	try(run("nft delete table ip plugin"))
	for number, on := range q.Scenario.Networks {
		for _, one := range q.Scenario.members(number) {
			// It went with its container, if that is gone.
			_ = run("ip link delete " + one.link)
		}
		try(run("ip link delete " + on.bridge()))
	}
	before, err := os.ReadFile(filepath.Join(q.Folder, "ip_forward"))
	try(err)
	try(os.WriteFile(forwarding, before, 0))
	return wrong
}

func main() {
	var asked question
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	answer := map[string]any{}
	switch asked.Verb {
	case "info":
		answer = map[string]any{"protocol": 2, "name": "plugin", "version": "0.1", "features": features}
	case "setup":
		setup(asked)
	case "teardown":
		if wrong := teardown(asked); len(wrong) > 0 {
			answer["error"] = strings.Join(wrong, "; ")
		}
	}
	must(json.NewEncoder(os.Stdout).Encode(answer))
}
