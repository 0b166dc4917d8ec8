// RecordUnwinder: a raw record -> a Stack, both parts. Runs in hftmon-unwind. One thread.
#ifndef HFTMON_DAEMON_UNWIND_RECORD_UNWINDER_H_
#define HFTMON_DAEMON_UNWIND_RECORD_UNWINDER_H_

#include "daemon/stacks/kernel_symbols.h"
#include "daemon/stacks/stack_unwinder.h"
#include "daemon/unwind/user_unwinder.h"

namespace hftmon {

class RecordUnwinder : public StackUnwinder {
 public:
  Stack Unwind(const hft_stack& record) override;

 private:
  KernelSymbols kernel_symbols_;
  UserUnwinder user_unwinder_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_UNWIND_RECORD_UNWINDER_H_
