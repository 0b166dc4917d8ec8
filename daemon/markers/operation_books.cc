#include "daemon/markers/operation_books.h"

#include <algorithm>

namespace hftmon {

OperationBooks::Book::Book(const MarkerRingName& name, uint64_t start_ticks, const Parts& parts)
    : parts_(parts),
      program_{.name = name, .start_ticks = start_ticks, .since_mono_ns = parts.clock->NowNs()},
      book_(parts.ticks(), this, parts.ticks().ToTicks(program_.since_mono_ns)),
      span_file_(parts.span_files == nullptr ? nullptr : parts.span_files->Begin(name)) {
  if (span_file_ != nullptr) program_.span_file_id = span_file_->id();
}

void OperationBooks::Book::OnOperation(uint32_t operation, std::string_view name) {
  const std::lock_guard lock(mutex_);
  book_.OnOperation(operation, name);
  if (span_file_ != nullptr) span_file_->OnOperation(operation, name);
}

void OperationBooks::Book::OnRecords(std::span<const MarkerRecord> records) {
  const std::lock_guard lock(mutex_);
  book_.SetTicks(parts_.ticks());
  book_.OnRecords(records);
  program_.counts.delivered_count += records.size();  // as the figures have it
}

void OperationBooks::Book::End(const MarkerRingFile::Counts& counts, const absl::Status& why) {
  const std::lock_guard lock(mutex_);
  program_.ended = true;
  if (span_file_ != nullptr) span_file_->End();
  program_.until_mono_ns = parts_.clock->NowNs();
  program_.why_ended = why;
  program_.counts = counts;
}

MarkedProgram OperationBooks::Book::Read() const {
  const std::lock_guard lock(mutex_);
  MarkedProgram program = program_;
  program.operations.assign(book_.operations().begin(), book_.operations().end());
  program.losses = book_.losses();
  program.open_count = book_.open_count();
  return program;
}

MarkerSink* OperationBooks::Begin(const MarkerRingName& name, const hft_marker_header& header) {
  auto book = std::make_shared<Book>(name, header.start_ticks, parts_);
  MarkerSink* const sink = book.get();
  const std::lock_guard lock(mutex_);
  books_.push_back(std::move(book));
  return sink;
}

void OperationBooks::End(const MarkerRingName&, MarkerSink* sink, const MarkerRingFile::Counts& counts, const absl::Status& why) {
  const std::lock_guard lock(mutex_);
  const auto book = std::find_if(books_.begin(), books_.end(), [sink](const auto& other) { return other.get() == sink; });
  if (book == books_.end()) return;
  (*book)->End(counts, why);
  const auto first_live = std::find_if(books_.begin(), books_.end(), [](const auto& other) { return !other->ended(); });
  if (first_live != books_.end()) books_.splice(first_live, books_, book);
  const auto ended_count = std::count_if(books_.begin(), books_.end(), [](const auto& other) { return other->ended(); });
  if (static_cast<size_t>(ended_count) <= kEndedMax) return;
  books_.pop_front();
  ++forgotten_count_;
}

uint64_t OperationBooks::forgotten_count() const {
  const std::lock_guard lock(mutex_);
  return forgotten_count_;
}

std::vector<MarkedProgram> OperationBooks::ProgramsOf(uint32_t pid) const {
  std::vector<std::shared_ptr<Book>> found;
  {
    const std::lock_guard lock(mutex_);
    std::copy_if(books_.begin(), books_.end(), std::back_inserter(found), [pid](const auto& book) { return book->name().pid == pid; });
  }
  std::vector<MarkedProgram> programs;
  programs.reserve(found.size());
  for (const auto& book : found) programs.push_back(book->Read());
  std::stable_sort(programs.begin(), programs.end(),
                   [](const MarkedProgram& a, const MarkedProgram& b) { return a.name.number < b.name.number; });
  return programs;
}

}  // namespace hftmon
