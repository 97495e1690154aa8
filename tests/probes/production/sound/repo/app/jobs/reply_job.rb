class ReplyJob
  def perform(chat, question)
    prompt = "<question>#{question.content}</question>"
    chat.ask(prompt) do |chunk|
      chat.broadcast_append_to chat, target: "reply", content: ERB::Util.html_escape(chunk.content.to_s)
    end
  end
end
