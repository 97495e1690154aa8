class MessagesController < ApplicationController
  def create
    messages = session[:messages] || []
    messages += [{ "role" => "user", "content" => params[:text] }]
    session[:messages] = messages.last(10)
  end
end
