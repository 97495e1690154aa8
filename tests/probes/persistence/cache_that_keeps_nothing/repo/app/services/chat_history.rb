class ChatHistory
  def save(id, messages) = Rails.cache.write("chat:#{id}", messages)
end
