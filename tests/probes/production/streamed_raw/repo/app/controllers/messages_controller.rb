class MessagesController < ActionController::API
  def create
    reply = RubyLLM.chat.ask(params[:text]).content
    render html: "<turbo-stream><template>#{reply}</template></turbo-stream>".html_safe
  end
end
