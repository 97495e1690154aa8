class ChatHistory
  def initialize(cache: Rails.cache)
    @cache = cache
  end

  def save(id, messages) = @cache.write("chat:#{id}", messages)
end
