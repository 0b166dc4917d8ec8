#include "daemon/service/stream_list.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

grpc::Status StoppingError() {
  return RichError(grpc::StatusCode::UNAVAILABLE, "STOPPING", "hftmond is stopping: call again when it has started anew");
}

grpc::Status StreamList::Add(OpenStream* stream, int64_t limit) {
  std::lock_guard lock(mutex_);
  if (stopping_) return StoppingError();
  if (static_cast<int64_t>(streams_.size()) >= limit) {
    return LimitError("SUBSCRIBER_LIMIT",
                      absl::StrCat(streams_.size(), " ", what_, " are open and the limit is ", limit, ": close one and call again"),
                      setting_, limit);
  }
  streams_.push_back(stream);
  return grpc::Status::OK;
}

void StreamList::Remove(OpenStream* stream) {
  std::lock_guard lock(mutex_);
  std::erase(streams_, stream);
}

void StreamList::EndAll() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  for (OpenStream* stream : streams_) stream->End(StoppingError());
}

size_t StreamList::size() const {
  std::lock_guard lock(mutex_);
  return streams_.size();
}

}  // namespace hftmon
