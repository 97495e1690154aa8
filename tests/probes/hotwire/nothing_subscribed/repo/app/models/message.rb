class Message
  def show = broadcast_append_to("chat")
end
