#include "tests/privileged/harness/disturbance_witness.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "disturbance_witness.skel.h"

namespace hftmon::testing {

DisturbanceWitness::DisturbanceWitness(pid_t process, int cpu) : witness_(disturbance_witness_bpf__open_and_load()) {
  if (witness_ == nullptr) {
    refused_ = std::string("the witness's programs cannot be loaded (a kernel before 6.4 lacks the tracepoint ipi_send_cpu): ") +
               std::strerror(errno);
    return;
  }
  witness_->bss->process = static_cast<uint32_t>(process);
  witness_->bss->cpu = static_cast<uint32_t>(cpu);
  if (disturbance_witness_bpf__attach(witness_) != 0) refused_ = std::string("the witness cannot be attached: ") + std::strerror(errno);
}

DisturbanceWitness::~DisturbanceWitness() {
  disturbance_witness_bpf__destroy(witness_);
}

DisturbanceWitness::Counts DisturbanceWitness::Read() const {
  const auto& counts = *witness_->bss;
  return {counts.ipi_count, counts.ipi_from_interrupt_count, counts.wake_count, counts.run_count, counts.irq_work_count};
}

std::string DisturbanceWitness::Origins(uint64_t first, uint64_t last) const {
  std::map<uint64_t, std::string> symbols;
  std::ifstream file("/proc/kallsyms");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    uint64_t address = 0;
    std::string type;
    std::string name;
    if (words >> std::hex >> address >> type >> name) symbols[address] = name;
  }
  std::string lines;
  const auto& origins = witness_->bss->ipi_origins;
  for (uint64_t i = first; i < last && i < std::size(origins); ++i) {
    for (const uint64_t address : origins[i]) {
      const auto above = symbols.upper_bound(address);
      if (address != 0 && above != symbols.begin()) lines += std::prev(above)->second + " ";
    }
    lines += "\n";
  }
  return lines;
}

CpuInterrupts ReadCpuInterrupts(int cpu) {
  CpuInterrupts interrupts;
  std::ifstream file("/proc/interrupts");
  std::string line;
  std::getline(file, line);  // the CPUs' names; those that are offline have no column
  std::istringstream names(line);
  int column = -1;
  std::string name;
  for (int i = 0; names >> name; ++i) {
    if (name == "CPU" + std::to_string(cpu)) column = i;
  }
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> name;
    int64_t value = 0;
    for (int i = 0; i <= column; ++i) words >> value;
    if (name == "RES:") interrupts.reschedule = value;
    if (name == "CAL:") interrupts.function_call = value;
    if (name == "TLB:") interrupts.tlb = value;
    if (name == "IWI:") interrupts.irq_work = value;
  }
  return interrupts;
}

}  // namespace hftmon::testing
