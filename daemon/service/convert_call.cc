#include "daemon/service/convert_call.h"

#include "common/utf8.h"
#include "daemon/analysis/call_names.h"
#include "daemon/os/syscall_names.h"

namespace hftmon {

void OwnerToProto(const Call& call, ThreadNames* names, v1::LockOwner* out) {
  out->set_tid(static_cast<int32_t>(call.owner_tid));
  out->set_comm(ValidUtf8(names->NameOf(call.owner_tid)));
  out->set_namespace_tid(names->NumbersOf(0, call.owner_tid).tid);
  out->set_source(OwnerSourceName(call.owner_source));
  out->set_state(OwnerStateName(call.owner_state));
  if (call.owner_state == HFT_OWNER_BLOCKED) out->set_blocked_in(SyscallName(call.owner_syscall));
}

void CallToProto(const Call& call, int32_t syscall, ThreadNames* names, v1::BlockedCall* out) {
  const std::string name = SyscallName(syscall);
  out->set_name(name);
  out->set_number(syscall);
  out->set_arguments_known(call.state == HFT_CALL_KNOWN);
  if (call.state != HFT_CALL_KNOWN) return;
  if (TakesFileDescriptor(name)) out->set_file_descriptor(static_cast<int32_t>(call.arguments[0]));
  if (call.futex_command == HFT_NO_FUTEX) return;
  v1::FutexWait* futex = out->mutable_futex();
  futex->set_address(call.arguments[0]);
  futex->set_command(FutexCommandName(call.futex_command));
  if (call.futex_word_known) futex->set_word(call.futex_word);
  if (call.owner_tid != 0) OwnerToProto(call, names, futex->mutable_owner());
}

}  // namespace hftmon
