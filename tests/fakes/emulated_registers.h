// EmulatedRegisters: counters' registers for a processor that lets no program read them: rdpmc is refused with a signal, and the handler
// puts in what the test wants there and goes on behind the instruction. x86-64; one at a time, on the thread that made it.
#ifndef HFTMON_TESTS_FAKES_EMULATED_REGISTERS_H_
#define HFTMON_TESTS_FAKES_EMULATED_REGISTERS_H_

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <utility>

#include "client/marker/hftmon_counter_page.h"

namespace hftmon {

class EmulatedRegisters {
 public:
  EmulatedRegisters() {
    current() = this;
    struct sigaction action = {};
    action.sa_sigaction = &OnSignal;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(SIGSEGV, &action, &before_) != 0) std::abort();
  }
  ~EmulatedRegisters() {
    sigaction(SIGSEGV, &before_, nullptr);
    current() = nullptr;
  }
  EmulatedRegisters(const EmulatedRegisters&) = delete;
  EmulatedRegisters& operator=(const EmulatedRegisters&) = delete;

  // False: this processor's instruction cannot be emulated so, or the host lets every program read what is there.
  bool Works() {
#if defined(__x86_64__)
    values[0] = 0;
    uint64_t value = 0;
    hftmon_counter_register(0, &value);
    values.clear();
    return std::exchange(read_count, 0) == 1;
#else
    return false;
#endif
  }

  // By the number that rdpmc is given; another one ends the test.
  std::map<uint32_t, uint64_t> values;
  // What a reading adds to its register; `read_count` is its own number, from 1 on.
  std::function<uint64_t(int read_count)> step = [](int) { return uint64_t{0}; };
  int read_count = 0;

 private:
  static EmulatedRegisters*& current() {
    static EmulatedRegisters* one = nullptr;
    return one;
  }
  static void OnSignal(int, siginfo_t*, void* context) {
#if defined(__x86_64__)
    greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const auto* const instruction = reinterpret_cast<const uint8_t*>(registers[REG_RIP]);
    EmulatedRegisters* const self = current();
    const auto found = self->values.find(static_cast<uint32_t>(registers[REG_RCX]));
    if (instruction[0] != 0x0f || instruction[1] != 0x33 || found == self->values.end()) std::abort();
    ++self->read_count;
    registers[REG_RAX] = static_cast<greg_t>(found->second & 0xffff'ffff);
    registers[REG_RDX] = static_cast<greg_t>(found->second >> 32);
    registers[REG_RIP] += 2;
    found->second += self->step(self->read_count);
#else
    (void)context;
    std::abort();
#endif
  }

  struct sigaction before_ = {};
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_EMULATED_REGISTERS_H_
