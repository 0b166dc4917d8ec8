#include "client/cli/render/call.h"

#include <fmt/format.h>

#include "client/cli/render/both_numbers.h"
#include "client/cli/table.h"

namespace hftmon {

std::string OwnerText(const v1::LockOwner& owner) {
  std::string text =
      fmt::format("{}[{}]", owner.comm().empty() ? "?" : Printable(owner.comm()), BothNumbers(owner.tid(), owner.namespace_tid()));
  if (!owner.state().empty()) text += ", " + owner.state();
  if (!owner.blocked_in().empty()) text += " in " + owner.blocked_in();
  return fmt::format("{} ({})", text, owner.source());
}

Json OwnerJson(const v1::LockOwner& owner) {
  Json json{{"tid", owner.tid()}, {"comm", owner.comm()}, {"source", owner.source()}};
  if (owner.namespace_tid() > 0) json["namespace_tid"] = owner.namespace_tid();
  if (!owner.state().empty()) json["state"] = owner.state();
  if (!owner.blocked_in().empty()) json["blocked_in"] = owner.blocked_in();
  return json;
}

std::string DescriptorText(int32_t descriptor, const std::string& file) {
  return file.empty() ? std::to_string(descriptor) : fmt::format("{} ({})", descriptor, Printable(file));
}

std::string CallFileText(const v1::BlockedCall& call) {
  if (!call.has_file_descriptor() || call.file().empty()) return "";
  return fmt::format("    blocked in {} on {}, as that descriptor is now\n", call.name(),
                     DescriptorText(call.file_descriptor(), call.file()));
}

Json CallJson(const v1::BlockedCall& call) {
  Json json{{"name", call.name()}, {"number", call.number()}, {"arguments_known", call.arguments_known()}};
  if (call.has_file_descriptor()) json["file_descriptor"] = call.file_descriptor();
  if (!call.file().empty()) json["file"] = call.file();
  if (!call.has_futex()) return json;
  const v1::FutexWait& futex = call.futex();
  json["futex"] = {{"address", futex.address()}, {"command", futex.command()}};
  if (futex.has_word()) json["futex"]["word"] = futex.word();
  if (futex.has_owner()) json["futex"]["owner"] = OwnerJson(futex.owner());
  return json;
}

}  // namespace hftmon
