#include "daemon/service/file_lookup.h"

namespace hftmon {
namespace {

const std::string kNone;

}  // namespace

const std::string& FileLookup::Find(const ThreadKey& thread, int32_t descriptor) {
  if (descriptor < 0 || !*read_ || !selection_->Runs(thread)) return kNone;
  const auto [known, first] = files_.try_emplace({thread.tid, descriptor});
  if (first) {
    if (absl::StatusOr<std::string> file = (*read_)(thread.tgid, thread.tid, descriptor); file.ok()) known->second = *std::move(file);
  }
  return known->second;
}

}  // namespace hftmon
