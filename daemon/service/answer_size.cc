#include "daemon/service/answer_size.h"

#include "absl/strings/str_cat.h"
#include "common/counted.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

grpc::Status CheckAnswer(const google::protobuf::MessageLite& answer, int64_t rows, LimitBook* limits) {
  const ServiceLimits in_force = limits->Get();
  if (rows > in_force.answer_rows_max) {
    return LimitError(
        "ANSWER_LIMIT",
        absl::StrCat("the answer has ", Counted(static_cast<uint64_t>(rows), "row"), ": ask for fewer processes, threads or metrics"),
        "answer_rows_max", in_force.answer_rows_max);
  }
  const auto bytes = static_cast<int64_t>(answer.ByteSizeLong());
  if (bytes > in_force.answer_bytes_max) {
    return LimitError("ANSWER_LIMIT", absl::StrCat("the answer has ", bytes, " bytes: ask for fewer rows, processes or a shorter window"),
                      "answer_bytes_max", in_force.answer_bytes_max);
  }
  limits->NoteAnswer(rows, bytes);
  return grpc::Status::OK;
}

}  // namespace hftmon
