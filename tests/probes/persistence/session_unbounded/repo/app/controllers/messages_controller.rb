class MessagesController < ApplicationController
  def create
    (session[:history] ||= []) << { "role" => "user", "content" => params[:text].first(200) }
    @name = model.split("/").last
  end
end
