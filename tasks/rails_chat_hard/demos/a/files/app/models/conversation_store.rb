# Keeps conversations in the cache store, out of the process and out of the cookie.
class ConversationStore
  def initialize(cache: Rails.cache)
    @cache = cache
  end

  def find(id)
    saved = @cache.read(key(id)) || []
    Conversation.new(saved.map { |attributes| Message.new(**attributes) })
  end

  # Reads again right before it writes: a turn takes seconds, and another tab may have finished one meanwhile.
  def append(id, question, answer)
    conversation = find(id).add(question, answer)
    @cache.write(key(id), conversation.messages.map(&:to_h))
    conversation
  end

  def delete(id) = @cache.delete(key(id))

  private

  def key(id) = "conversation/#{id}"
end
