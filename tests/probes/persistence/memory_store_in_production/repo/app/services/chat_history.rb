class ChatHistory
  def save(id, messages)
    Rails.cache.write("chat:#{id}", messages, expires_in: 1.hour)
  end
end
