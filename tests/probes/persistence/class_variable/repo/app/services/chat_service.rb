class ChatService
  @@history = []

  def add(text) = @@history << text
end
