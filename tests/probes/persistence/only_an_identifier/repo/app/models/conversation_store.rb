class ConversationStore
  CONVERSATIONS = Concurrent::Map.new
  LOCKS = Hash.new { |h, k| h[k] = Mutex.new }
  ROLES = %w[user assistant].freeze

  def self.add(id, text)
    CONVERSATIONS.compute_if_absent(id) { [] } << text
  end
end
