// VethPair: two network namespaces with a veth pair between them, whose received packets are steered to one CPU. Gone with the object.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_VETH_PAIR_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_VETH_PAIR_H_

#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/privileged/harness/subprocess.h"

namespace hftmon::testing {

class VethPair {
 public:
  explicit VethPair(int cpu) : a_("hftmon_a" + std::to_string(getpid())), b_("hftmon_b" + std::to_string(getpid())) {
    Do({"ip", "netns", "add", a_});
    Do({"ip", "netns", "add", b_});
    Do({"ip", "link", "add", "hva", "netns", a_, "type", "veth", "peer", "name", "hvb", "netns", b_});
    Do({"ip", "-n", a_, "addr", "add", "10.213.9.1/24", "dev", "hva"});
    Do({"ip", "-n", b_, "addr", "add", "10.213.9.2/24", "dev", "hvb"});
    Do({"ip", "-n", a_, "link", "set", "hva", "up"});
    Do({"ip", "-n", b_, "link", "set", "hvb", "up"});
    Do({"ip", "-n", a_, "route", "add", "239.0.0.0/8", "dev", "hva"});
    Do({"ip", "netns", "exec", b_, "sh", "-c", "echo " + MaskOf(cpu) + " > /sys/class/net/hvb/queues/rx-0/rps_cpus"});
  }
  ~VethPair() {
    RunCommand({"ip", "netns", "del", a_});
    RunCommand({"ip", "netns", "del", b_});
  }
  // Empty when it stands.
  const std::string& fault() const { return fault_; }
  const std::string& sender() const { return a_; }
  const std::string& receiver() const { return b_; }

 private:
  // As rps_cpus takes it: hexadecimal groups of 32 CPUs, the highest first.
  static std::string MaskOf(int cpu) {
    std::ostringstream mask;
    mask << std::hex << (1u << cpu % 32);
    for (int group = 0; group < cpu / 32; ++group) mask << ",00000000";
    return mask.str();
  }
  void Do(const std::vector<std::string>& command) {
    if (!fault_.empty()) return;
    const CommandResult result = RunCommand(command);
    if (result.exit_code != 0) fault_ = command[0] + " " + command[1] + " " + command[2] + ": " + result.error;
  }

  const std::string a_;
  const std::string b_;
  std::string fault_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_VETH_PAIR_H_
